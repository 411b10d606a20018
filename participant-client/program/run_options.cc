#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/net/silence.h"
#include "participant-client/net/zmq_link.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"

namespace sealfold {
namespace {

// Longer than a coordinator takes to answer, even to a question about news.
constexpr uint64_t kSilenceToldMs = 10'000;

}  // namespace

void RunOptions::AddTo(CLI::App& verb) {
  verb.add_option("--connect", endpoint, "The coordinator's address, tcp://HOST:PORT")->required();
  verb.add_option("--policy", policy_path, "This participant's policy (JSON)")->required();
  verb.add_option("--key", key_path, "This participant's key file, from keygen")->required();
  verb.add_option("--state", state_dir,
                  "Folder of what must not be forgotten between runs of this program")
      ->required();
  verb.add_option("--patience", patience_seconds,
                  "Seconds without getting further before giving up; an upload that waits for "
                  "others' may wait as long as a round takes")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
}

absl::StatusOr<std::unique_ptr<Client>> RunOptions::Open(const Patience& patience,
                                                         const Output& output) const {
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(policy_path));
  SEALFOLD_ASSIGN_OR_RETURN(KeyFile key, ReadKeyFile(key_path, KeyRole::kParticipant));
  const auto tell = [&output, text = absl::StrCat("no answer from ", endpoint, ": trying on")] {
    if (output.terminal()) std::printf("\r\x1b[K");
    PrintNote(output, text);
  };
  return Client::Open(
      {.policy = std::move(policy),
       .key = key.signing_key(),
       .model_key = key.model_key(),
       .state_dir = state_dir,
       .connect = TellingSilence([address = endpoint] { return ConnectZmq(address); },
                                 kSilenceToldMs, tell),
       .patience = patience});
}

}  // namespace sealfold
