// One update, submitted and then proven to be in the round's record.
#include <cstdio>

#include "participant-client/client/client.h"
#include "participant-client/net/zmq_link.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr char kUsage[] =
    "Usage: submit-one ENDPOINT POLICY KEY STATE UPDATE\n"
    "Example: submit-one tcp://127.0.0.1:7300 policy.json north.key state update.safetensors\n";

void Show(const CheckList& checks) {
  for (const Check& check : checks.checks()) {
    std::printf("%s %s: %s\n", check.passed ? "ok" : "NO", check.name.c_str(), check.found.c_str());
  }
  if (!checks.caveat().empty()) std::printf("%s\n", checks.caveat().c_str());
}

absl::Status SubmitOne(const char* endpoint, const char* policy_path, const char* key_path,
                       const char* state_dir, const char* update_path) {
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(policy_path));
  SEALFOLD_ASSIGN_OR_RETURN(KeyFile key, ReadKeyFile(key_path, KeyRole::kParticipant));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Client> client,
                            Client::Open({.policy = policy,
                                          .key = key.signing_key(),
                                          .model_key = key.model_key(),
                                          .state_dir = state_dir,
                                          .connect = [=] { return ConnectZmq(endpoint); }}));
  // Every record so far, verified and chained to the one before.
  SEALFOLD_RETURN_IF_ERROR(client->CatchUp().status());
  // Nothing of the update leaves before each of these checks has passed.
  SEALFOLD_ASSIGN_OR_RETURN(Submission submission,
                            client->Submit(update_path, std::nullopt, {.checks = Show}));
  std::printf("submitted to round %d\n", static_cast<int>(submission.entry.round.value()));
  RunStatus status;
  do {  // answered when something has changed
    SEALFOLD_ASSIGN_OR_RETURN(status, client->Status(status.version));
  } while (status.records < submission.entry.round.value());
  SEALFOLD_ASSIGN_OR_RETURN(RoundReport report, client->NextRecord());
  SEALFOLD_ASSIGN_OR_RETURN(std::string model, client->BaseModel());
  std::printf("in the record, shown by %s; the new model is %s\n",
              report.receipt_proof_path.c_str(), model.c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  if (argc != 6) {
    const bool help = argc == 2 && std::string(argv[1]) == "--help";
    std::fputs(sealfold::kUsage, help ? stdout : stderr);
    return help ? sealfold::kExitDone : sealfold::kExitUsage;
  }
  return sealfold::Output(/*json=*/false)
      .Finish(sealfold::SubmitOne(argv[1], argv[2], argv[3], argv[4], argv[5]));
}
