// Runs the programs as a user does, and holds what they print to the one look that all have.
#ifndef SEALFOLD_TESTS_CLI_RUN_H_
#define SEALFOLD_TESTS_CLI_RUN_H_

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/program/child_process.h"

namespace sealfold {

// `arguments[0]` is a program's name. Fails the test where output that is no terminal's has
// escapes.
ProgramResult Ran(std::vector<std::string> arguments);

// Starts it with stdout piped, and stderr to the end of the file `log`.
ChildProcess Start(std::vector<std::string> arguments, const std::string& log);

// All that `command`, run by a shell on a terminal of its own, writes to it; `command` begins with
// a program's name. `seen`, if given, gets all that was written so far whenever there is more.
std::string OnTerminal(const std::string& command,
                       const std::function<void(const std::string&)>& seen = {});

// The objects of JSON Lines; fails the test for a line that is none.
std::vector<nlohmann::json> Objects(const std::string& lines);

// Runs with --json, which must end with exit code 0, print nothing on stderr and JSON Lines on
// stdout: returns them. The second: there is exactly one.
std::vector<nlohmann::json> RunJson(std::vector<std::string> arguments);
nlohmann::json RunJsonOne(std::vector<std::string> arguments);

// `err` is an error as people see it: "error: WHAT [CODE]", then expected, found, do, each on a
// line, at least one of them.
void ExpectError(const ProgramResult& result, int exit_code, const std::string& code);
// Runs it and again with --json: the same error both times, and the JSON one's fields.
nlohmann::json ExpectFails(const std::vector<std::string>& arguments, int exit_code,
                           const std::string& code);

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_CLI_RUN_H_
