#include "participant-client/client/client.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/release/rules.h"
#include "attest/x509/chain_cache.h"
#include "participant-client/client/drive.h"
#include "participant-client/memory/earlier_runs.h"
#include "participant-client/update/encoded_update.h"
#include "participant-client/update/update_file.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/random_stream.h"
#include "protocol/program/program.h"

namespace sealfold {

Client::Client(ClientSetup setup, std::unique_ptr<Link> link)
    : setup_(std::move(setup)), link_(std::move(link)), host_(*link_, setup_.patience) {
  if (setup_.chains == nullptr) setup_.chains = std::make_shared<ChainCache>();
}

absl::StatusOr<std::unique_ptr<Client>> Client::Open(ClientSetup setup) {
  SEALFOLD_RETURN_IF_ERROR(CheckPolicy(setup.policy));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, setup.connect());
  std::unique_ptr<Client> client(new Client(std::move(setup), std::move(link)));
  SEALFOLD_ASSIGN_OR_RETURN(client->plan_, FetchPlan(client->host_));
  const SigningPublicKey me = client->setup_.key.public_key();
  client->plan_checks_ = CheckPlanAgainstPolicy(client->plan_, client->setup_.policy, me);
  client->last_checks_ = client->plan_checks_;
  SEALFOLD_RETURN_IF_ERROR(client->plan_checks_.status());
  const std::shared_ptr<const ReleaseRules>& releases = client->setup_.policy.evidence.releases;
  SEALFOLD_ASSIGN_OR_RETURN(client->store_,
                            MemoryStore::Open(client->setup_.state_dir, client->plan_.digest, me,
                                              releases == nullptr ? "" : releases->subject));
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(client->Path("plan.cbor"), AsText(client->plan_.bytes)));
  return client;
}

// Keeps the own receipt with its proof, or says why the record does not honour it.
absl::Status Client::KeepReceipt(const RecordFile& file, RoundReport& report) {
  const SigningPublicKey me = setup_.key.public_key();
  const Round round = report.record.record.round;
  auto own = std::find_if(file.log.begin(), file.log.end(),
                          [&](const LogEntry& entry) { return entry.participant == me; });
  report.included = own != file.log.end();
  const auto& entered = memory().entered;
  // A receipt of an attempt that ended without a record proves nothing about this one.
  if (!entered.has_value() || entered->round != round ||
      entered->attempt != report.record.record.attempt || !entered->receipt.has_value()) {
    return absl::OkStatus();
  }
  ReceiptProof proof{.receipt = *entered->receipt, .path = {}};
  absl::Status honoured;
  if (auto path = InclusionPath(file, me); path.ok()) {
    proof.path = *std::move(path);
    honoured = CheckReceiptProof(proof, report.record, file.binding.record_key);
  } else {
    honoured = path.status();
  }
  report.checks.Add("own_receipt", "included in the round's log", honoured);
  if (!honoured.ok()) {
    return Refused(
        {.code = "receipt_not_honoured",
         .what = absl::StrCat("record of round ", round.value()),
         .expected = "the update that the aggregator gave a receipt for",
         .found = Explain(honoured).what,
         .advice =
             "keep the receipt and the record: together they show that a promise was broken"});
  }
  report.receipt_proof_path = Path(absl::StrCat("receipt-", round.value(), ".cbor"));
  const Bytes encoded = cbor::EncodeFields(proof);
  return WriteFileAtomic(report.receipt_proof_path, AsText(encoded));
}

absl::StatusOr<RoundReport> Client::NextRecord() {
  const Round round = memory().round_next();
  SEALFOLD_ASSIGN_OR_RETURN(
      FetchedRecord fetched,
      FetchRecord(host_, round, setup_.policy, setup_.key.public_key(), setup_.chains.get()));
  RecordJudgement& judged = fetched.judgement;
  if (judged.record.has_value()) {
    const std::optional<CheckedRecord> previous = PreviousOf(memory(), plan_);
    CheckChain(previous.has_value() ? &*previous : nullptr, *judged.record, judged.checks);
    // Without a previous record the chain does not name the plan.
    judged.checks.Add({.name = "run",
                       .expected = plan_.digest.hex(),
                       .found = judged.record->plan.digest.hex(),
                       .passed = judged.record->plan.digest == plan_.digest},
                      "record_of_other_run");
  }
  last_checks_ = judged.checks;
  SEALFOLD_RETURN_IF_ERROR(judged.checks.status());

  RoundReport report{.record = *judged.record, .checks = judged.checks, .receipt_proof_path = {}};
  const absl::Status kept = KeepReceipt(*judged.file, report);
  last_checks_ = report.checks;
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(Path(absl::StrCat("record-", round.value(), ".cbor")),
                                           AsText(fetched.bytes)));
  SEALFOLD_RETURN_IF_ERROR(kept);
  Memory updated = memory();
  report.identity_changed =
      updated.seen.has_value() && updated.seen->identity != report.record.identity;
  report.identity_of_earlier_run =
      !updated.seen.has_value() && report.record.identity.has_value() &&
      SeenInAnotherRun(setup_.state_dir, plan_.digest, *report.record.identity);
  SEALFOLD_RETURN_IF_ERROR(Remember(report.record, updated));
  SEALFOLD_RETURN_IF_ERROR(store_->Save(updated));
  return report;
}

absl::StatusOr<std::vector<RoundReport>> Client::CatchUp() {
  SEALFOLD_ASSIGN_OR_RETURN(RunStatus status, Status(0));
  std::vector<RoundReport> reports;
  while (memory().round_next().value() <= std::min(status.records, plan_.plan.rounds)) {
    SEALFOLD_ASSIGN_OR_RETURN(RoundReport report, NextRecord());
    reports.push_back(std::move(report));
  }
  return reports;
}

// The file of the record seen last: from the folder, or from the host if it was lost there.
absl::StatusOr<RecordJudgement> Client::SeenRecordFile() {
  const SeenRecord& seen = *memory().seen;
  RecordJudgement judged;
  auto kept =
      ReadFile(Path(absl::StrCat("record-", seen.round.value(), ".cbor")), kRecordFileBytesMax);
  if (kept.ok())
    judged = JudgeRecord(AsBytes(*kept), setup_.policy, std::nullopt, setup_.chains.get());
  if (judged.record.has_value() && judged.record->digest == seen.record) return judged;
  SEALFOLD_ASSIGN_OR_RETURN(FetchedRecord fetched, FetchSeenRecord());
  return std::move(fetched.judgement);
}

absl::StatusOr<FetchedRecord> Client::FetchSeenRecord() {
  const SeenRecord& seen = *memory().seen;
  SEALFOLD_ASSIGN_OR_RETURN(FetchedRecord fetched, FetchRecord(host_, seen.round, setup_.policy,
                                                               std::nullopt, setup_.chains.get()));
  const RecordJudgement& judged = fetched.judgement;
  if (!judged.record.has_value() || judged.record->digest != seen.record) {
    return Refused({.code = "record_rolled_back",
                    .what = absl::StrCat("record of round ", seen.round.value()),
                    .expected = seen.record.hex(),
                    .found = judged.record.has_value() ? judged.record->digest.hex() : "no record",
                    .advice = "the host shows another history than it did before"});
  }
  return fetched;
}

absl::StatusOr<Secret> Client::BaseModelKey() {
  if (plan_.plan.delivery != Delivery::kSealed || !memory().seen.has_value()) return Secret();
  const auto open = [this](const RecordJudgement& judged) {
    return OpenModelKey(*judged.file, *judged.record, setup_.key.public_key(), setup_.model_key);
  };
  SEALFOLD_ASSIGN_OR_RETURN(const RecordJudgement judged, SeenRecordFile());
  absl::StatusOr<Secret> key = open(judged);
  if (key.ok()) return key;
  // The record does not sign the copies of the key beside it: they may have come damaged.
  SEALFOLD_ASSIGN_OR_RETURN(const FetchedRecord fetched, FetchSeenRecord());
  SEALFOLD_ASSIGN_OR_RETURN(key, open(fetched.judgement));
  if (fetched.judgement.checks.passed()) {
    const Round round = memory().seen->round;
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(Path(absl::StrCat("record-", round.value(), ".cbor")),
                                             AsText(fetched.bytes)));
  }
  return key;
}

absl::StatusOr<std::string> Client::BaseModel() {
  const auto& seen = memory().seen;
  const uint64_t round = seen.has_value() ? seen->round.value() : 0;
  const std::string path = Path(absl::StrCat("model-", round, ".safetensors"));
  std::error_code error;
  if (std::filesystem::exists(path, error) &&
      CheckModelFile(path, seen.has_value() ? seen->model : plan_.plan.initial_model).ok()) {
    return path;
  }
  if (!seen.has_value()) {
    SEALFOLD_RETURN_IF_ERROR(FetchInitialModel(host_, plan_, path));
    return path;
  }
  SEALFOLD_ASSIGN_OR_RETURN(RecordJudgement judged, SeenRecordFile());
  SEALFOLD_ASSIGN_OR_RETURN(Secret key, BaseModelKey());
  SEALFOLD_RETURN_IF_ERROR(FetchModel(host_, *judged.record, key, path));
  return path;
}

absl::StatusOr<CheckList> Client::Attest() {
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, setup_.connect());
  const OfferTerms terms{.policy = setup_.policy,
                         .plan = plan_,
                         .participant = setup_.key.public_key(),
                         .memory = memory(),
                         .update = std::nullopt,
                         .chains = setup_.chains.get()};
  SEALFOLD_ASSIGN_OR_RETURN(OfferJudgement judgement,
                            DriveAttestation(terms, *link, setup_.patience));
  last_checks_ = judgement.checks;
  return std::move(judgement.checks);
}

absl::StatusOr<Submission> Client::Submit(const std::string& update_path,
                                          std::optional<uint64_t> weight,
                                          const SubmitWatcher& watcher) {
  SEALFOLD_ASSIGN_OR_RETURN(UpdateFile update, UpdateFile::Open(update_path, plan_.plan));
  SEALFOLD_ASSIGN_OR_RETURN(Weight chosen, update.ChooseWeight(weight));
  SEALFOLD_RETURN_IF_ERROR(update.CheckValues());
  std::optional<EncodedUpdate> encoded;
  if (plan_.plan.update_encoding.has_value()) {
    encoded.emplace(update, plan_.plan, RandomSecret(kRandomStreamSeedSize));
  }
  PayloadSource* const payload =
      encoded.has_value() ? static_cast<PayloadSource*>(&*encoded) : &update;
  SEALFOLD_ASSIGN_OR_RETURN(Secret model_key, BaseModelKey());
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, setup_.connect());
  Session session({.policy = setup_.policy,
                   .plan = plan_,
                   .key = setup_.key,
                   .store = *store_,
                   .memory = memory(),
                   .update = update.Identity(chosen),
                   .payload = *payload,
                   .model_key = std::move(model_key),
                   .seed = RandomSecret(SessionSetup::kSeedSize),
                   .chains = setup_.chains.get()});
  uint64_t offers = 0;
  uint64_t steps = 0;
  const absl::Status status =
      DriveSession(session, *link, setup_.patience, [&](const Session& now) {
        if (now.offers_judged() != offers && watcher.checks) watcher.checks(now.checks());
        if (now.steps() != steps && watcher.acknowledged) {
          watcher.acknowledged(now.chunks_acknowledged(), now.chunk_count());
        }
        offers = now.offers_judged();
        steps = now.steps();
      });
  last_checks_ = session.checks();
  SEALFOLD_RETURN_IF_ERROR(status);
  return Submission{.entry = *session.entry(),
                    .receipt = *session.memory().entered->receipt,
                    .checks = session.checks()};
}

}  // namespace sealfold
