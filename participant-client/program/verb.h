// The verbs of sealfold-participant: each adds its options to the command line and, where it is the
// one called, what to run.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_VERB_H_
#define SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_VERB_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "participant-client/client/client.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"

namespace sealfold {

void AddKeygen(CLI::App& app, Verb& called);
void AddInspect(CLI::App& app, Verb& called);
void AddSubmit(CLI::App& app, Verb& called);
void AddFetch(CLI::App& app, Verb& called);
void AddJoin(CLI::App& app, Verb& called);
void AddVerify(CLI::App& app, Verb& called);

// What the verbs that talk to a run have in common.
struct RunOptions {
  std::string endpoint;
  std::string policy_path;
  std::string key_path;
  std::string state_dir;
  uint64_t patience_seconds = 300;

  void AddTo(CLI::App& verb);
  // Opens the client: reads policy and key, fetches and checks the plan. `output`, which outlives
  // the client, is told when nothing comes from the other end.
  absl::StatusOr<std::unique_ptr<Client>> Open(const Patience& patience,
                                               const Output& output) const;
  Patience patience() const {
    return {.give_up_ms = patience_seconds * 1000, .absent_ms = patience_seconds * 1000};
  }
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_VERB_H_
