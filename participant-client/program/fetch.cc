#include "participant-client/client/fetch.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/net/zmq_link.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

struct FetchOptions {
  std::string what;
  std::string endpoint;
  std::string policy_path;
  std::string key_path;
  std::string out_path;
  int64_t round = -1;
  uint64_t patience_seconds = 30;
};

class Fetching {
 public:
  Fetching(const FetchOptions& options, const Policy& policy, RemoteHost& host,
           const Output& output)
      : options_(options), policy_(policy), host_(host), output_(output) {}

  absl::Status Run() {
    SEALFOLD_ASSIGN_OR_RETURN(plan_, FetchPlan(host_));
    const CheckList checks = CheckPlanAgainstPolicy(plan_, policy_, std::nullopt);
    PrintChecks(output_, "the plan", checks);
    SEALFOLD_RETURN_IF_ERROR(checks.status());
    if (options_.what == "plan") {
      SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options_.out_path, AsText(plan_.bytes)));
      return Done(plan_.digest);
    }
    SEALFOLD_ASSIGN_OR_RETURN(uint64_t round, ChooseRound());
    if (options_.what == "model" && round == 0) {
      SEALFOLD_RETURN_IF_ERROR(FetchInitialModel(host_, plan_, options_.out_path));
      return Done(plan_.plan.initial_model);
    }
    SEALFOLD_ASSIGN_OR_RETURN(FetchedRecord fetched, FetchRecordOf(round));
    if (options_.what == "record") {
      SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options_.out_path, AsText(fetched.bytes)));
      return Done(fetched.judgement.record->digest);
    }
    SEALFOLD_ASSIGN_OR_RETURN(Secret key, ModelKey(fetched.judgement));
    SEALFOLD_RETURN_IF_ERROR(FetchModel(host_, *fetched.judgement.record, key, options_.out_path));
    return Done(fetched.judgement.record->record.model);
  }

 private:
  // The round asked for, or the last one published.
  absl::StatusOr<uint64_t> ChooseRound() {
    if (options_.round >= 0) return static_cast<uint64_t>(options_.round);
    SEALFOLD_ASSIGN_OR_RETURN(RunStatus status, host_.Status(0));
    if (status.records > 0 || options_.what == "model") return status.records;
    return PeerError({.code = "record_absent",
                      .what = "records of the run",
                      .expected = "at least one",
                      .found = "none yet",
                      .advice = "wait for the first round to end"});
  }

  absl::StatusOr<FetchedRecord> FetchRecordOf(uint64_t round) {
    SEALFOLD_ASSIGN_OR_RETURN(FetchedRecord fetched,
                              FetchRecord(host_, Round(round), policy_, std::nullopt));
    CheckList& checks = fetched.judgement.checks;
    if (fetched.judgement.record.has_value()) {
      const CheckedRecord& record = *fetched.judgement.record;
      checks.Add({.name = "run",
                  .expected = plan_.digest.hex(),
                  .found = record.plan.digest.hex(),
                  .passed = record.plan.digest == plan_.digest},
                 "record_of_other_run");
      checks.Add({.name = "round",
                  .expected = absl::StrCat(round),
                  .found = absl::StrCat(record.record.round.value()),
                  .passed = record.record.round == Round(round)},
                 "record_of_other_round");
    }
    PrintChecks(output_, absl::StrCat("the record of round ", round), checks);
    SEALFOLD_RETURN_IF_ERROR(checks.status());
    return fetched;
  }

  absl::StatusOr<Secret> ModelKey(const RecordJudgement& judged) const {
    if (plan_.plan.delivery != Delivery::kSealed) return Secret();
    if (options_.key_path.empty()) {
      return BadInput({.code = "key_missing",
                       .what = "the model of this run is sealed to its participants",
                       .expected = "--key, a participant's key file",
                       .found = "none"});
    }
    SEALFOLD_ASSIGN_OR_RETURN(KeyFile key, ReadKeyFile(options_.key_path, KeyRole::kParticipant));
    return OpenModelKey(*judged.file, *judged.record, key.signing_key().public_key(),
                        key.model_key());
  }

  absl::Status Done(const Digest& digest) const {
    output_.Json(JsonText(nlohmann::json{{"event", "fetched"},
                                         {"what", options_.what},
                                         {"file", options_.out_path},
                                         {"digest", digest.hex()}}));
    output_.Line(absl::StrCat("wrote ", options_.out_path, ", verified, ", digest.hex()));
    return absl::OkStatus();
  }

  const FetchOptions& options_;
  const Policy& policy_;
  RemoteHost& host_;
  const Output& output_;
  SignedPlan plan_;
};

absl::Status Fetch(const FetchOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(options.policy_path));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, ConnectZmq(options.endpoint));
  RemoteHost host(*link, {.give_up_ms = options.patience_seconds * 1000});
  return Fetching(options, policy, host, output).Run();
}

}  // namespace

void AddFetch(CLI::App& app, Verb& called) {
  auto options = std::make_shared<FetchOptions>();
  CLI::App* verb = app.add_subcommand(
      "fetch", "Fetches the plan, a record or a model, and verifies it by the policy");
  verb->add_option("what", options->what, "plan, record or model")
      ->required()
      ->check(CLI::IsMember({"plan", "record", "model"}));
  verb->add_option("--connect", options->endpoint, "The coordinator's address, tcp://HOST:PORT")
      ->required();
  verb->add_option("--policy", options->policy_path, "This participant's policy (JSON)")
      ->required();
  verb->add_option("--round", options->round,
                   "Of which round; else the last published. Model 0 is the initial one")
      ->check(CLI::Range(0, 100'000));
  verb->add_option("--key", options->key_path,
                   "Key file: opens a model that is sealed to participants");
  verb->add_option("--out", options->out_path, "File to write")->required();
  verb->add_option("--patience", options->patience_seconds,
                   "Seconds without an answer before giving up")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  verb->footer(
      "Example:\n  sealfold-participant fetch model --connect tcp://coordinator.example:7300 \\\n  "
      "  "
      "--policy policy.json --out model.safetensors");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Fetch(*options, output); };
  });
}

}  // namespace sealfold
