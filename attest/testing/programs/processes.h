// What tests that start programs share.
#ifndef SEALFOLD_ATTEST_TESTING_PROGRAMS_PROCESSES_H_
#define SEALFOLD_ATTEST_TESTING_PROGRAMS_PROCESSES_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/program/child_process.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {

// Its errors go nowhere.
ChildProcess StartProcess(const std::vector<std::string>& arguments);
// The next line; fails the test where none comes within two minutes.
std::string ReadTestLine(ChildProcess& child);
nlohmann::json ReadJsonLine(ChildProcess& child);
// What it prints; fails the test where it does not end well.
std::string RunWell(const std::vector<std::string>& arguments);

// sealfold-softnsm, once it is ready: its state is in `folder`'s nsm/, so that nsm/root.pem is its
// root, and it serves on nsm.sock.
ChildProcess StartSoftnsm(const std::string& program, const TempDir& folder);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_PROGRAMS_PROCESSES_H_
