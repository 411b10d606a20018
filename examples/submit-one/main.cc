// One update, submitted and then proven to be in the round's record.
#include <cstdio>

#include "participant-client/client/client.h"
#include "participant-client/net/zmq_link.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

void Show(const CheckList& checks) {
  for (const Check& check : checks.checks()) {
    std::printf("%s %s: %s\n", check.passed ? "ok" : "NO", check.name.c_str(), check.found.c_str());
  }
  if (!checks.caveat().empty()) std::printf("%s\n", checks.caveat().c_str());
}

absl::Status SubmitOne(const std::string& endpoint, const std::string& policy_path,
                       const std::string& key_path, const std::string& state_dir,
                       const std::string& update_path) {
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(policy_path));
  SEALFOLD_ASSIGN_OR_RETURN(KeyFile key, ReadKeyFile(key_path, KeyRole::kParticipant));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Client> client,
                            Client::Open({.policy = policy,
                                          .key = key.signing_key(),
                                          .model_key = key.model_key(),
                                          .state_dir = state_dir,
                                          .connect = [endpoint] { return ConnectZmq(endpoint); }}));
  // Every record so far, verified and chained to the one before.
  SEALFOLD_RETURN_IF_ERROR(client->CatchUp().status());
  // Nothing of the update leaves before each of these checks has passed.
  SEALFOLD_ASSIGN_OR_RETURN(Submission submission,
                            client->Submit(update_path, std::nullopt, {.checks = Show}));
  const Round round = submission.entry.round;
  std::printf("submitted to round %d\n", static_cast<int>(round.value()));

  uint64_t version = 0;
  RunStatus status;
  do {
    SEALFOLD_ASSIGN_OR_RETURN(status, client->Status(version));
    version = status.version;
  } while (status.records < round.value());
  SEALFOLD_ASSIGN_OR_RETURN(RoundReport report, client->NextRecord());
  SEALFOLD_ASSIGN_OR_RETURN(std::string model, client->BaseModel());
  std::printf("in the record, shown by %s; the new model is %s\n",
              report.receipt_proof_path.c_str(), model.c_str());
  return absl::OkStatus();
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  const sealfold::Output output(/*json=*/false);
  if (argc != 6) {
    std::fprintf(stderr, "usage: submit-one ENDPOINT POLICY KEY STATE UPDATE\n");
    return sealfold::kExitUsage;
  }
  return output.Finish(sealfold::SubmitOne(argv[1], argv[2], argv[3], argv[4], argv[5]));
}
