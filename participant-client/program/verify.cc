#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/x509/chain_cache.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

constexpr size_t kReceiptBytesMax = 1u << 20;

struct VerifyOptions {
  std::string model_path;
  std::vector<std::string> record_paths;
  std::vector<std::string> receipt_paths;
  std::string policy_path;
};

struct JudgedFile {
  std::string path;
  RecordJudgement judgement;
  Round round() const { return judgement.record->record.round; }
};

absl::StatusOr<std::vector<JudgedFile>> ReadRecords(const VerifyOptions& options,
                                                    const Policy& policy, const Output& output) {
  std::vector<JudgedFile> files;
  ChainCache chains;  // one machine's records share their certificates
  for (const std::string& path : options.record_paths) {
    SEALFOLD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kRecordFileBytesMax));
    RecordJudgement judgement = JudgeRecord(AsBytes(bytes), policy, std::nullopt, &chains);
    if (!judgement.record.has_value()) {
      PrintChecks(output, path, judgement.checks);
      return About(path, judgement.checks.status());
    }
    files.push_back({path, std::move(judgement)});
  }
  std::stable_sort(files.begin(), files.end(),
                   [](const JudgedFile& a, const JudgedFile& b) { return a.round() < b.round(); });
  return files;
}

// Each record and its place in the chain. The first may be of a later round than 1.
absl::Status CheckRecords(std::vector<JudgedFile>& files, const Output& output) {
  const CheckedRecord* previous = nullptr;
  for (JudgedFile& file : files) {
    const CheckedRecord& record = *file.judgement.record;
    if (previous != nullptr || record.record.round == Round(1)) {
      CheckChain(previous, record, file.judgement.checks);
    }
    previous = &record;
    const bool last = &file == &files.back();
    if (output.json() || last || !file.judgement.checks.passed()) {
      PrintChecks(output,
                  absl::StrCat("record of round ", record.record.round.value(), ", ", file.path),
                  file.judgement.checks);
    } else {
      output.Line(absl::StrCat("  ", output.Mark(true), " record of round ",
                               record.record.round.value(), ", ", file.path, ", ",
                               file.judgement.checks.checks().size(), " checks"));
    }
    SEALFOLD_RETURN_IF_ERROR(About(file.path, file.judgement.checks.status()));
  }
  return absl::OkStatus();
}

absl::Status CheckReceipts(const VerifyOptions& options, const std::vector<JudgedFile>& files,
                           CheckList& checks) {
  for (const std::string& path : options.receipt_paths) {
    SEALFOLD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kReceiptBytesMax));
    const absl::StatusOr<ReceiptProof> proof = cbor::DecodeFields<ReceiptProof>(AsBytes(bytes));
    if (!proof.ok()) return About(path, proof.status());
    // Of the records given, the one whose key signed it.
    absl::Status status = Refused({.code = "receipt_of_other_round",
                                   .what = path,
                                   .expected = "a receipt of one of the records given",
                                   .found = "none of their keys signed it"});
    for (const JudgedFile& file : files) {
      const SigningPublicKey& key = file.judgement.file->binding.record_key;
      if (OpenReceipt(proof->receipt, key).ok()) {
        status = CheckReceiptProof(*proof, *file.judgement.record, key);
      }
    }
    checks.Add("receipt", absl::StrCat(path, ", in its round's log"), status);
  }
  return absl::OkStatus();
}

absl::Status Verify(const VerifyOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(options.policy_path));
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<JudgedFile> files, ReadRecords(options, policy, output));
  SEALFOLD_RETURN_IF_ERROR(CheckRecords(files, output));

  const CheckedRecord& last = *files.back().judgement.record;
  CheckList checks;
  if (!options.model_path.empty()) {
    checks.Add("model", absl::StrCat(options.model_path, ", SHA-256 ", last.record.model.hex()),
               CheckModelFile(options.model_path, last.record.model));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckReceipts(options, files, checks));
  if (!checks.checks().empty()) {
    PrintChecks(output, "files", checks);
    SEALFOLD_RETURN_IF_ERROR(checks.status());
  }

  const uint64_t first_round = files.front().round().value();
  const std::string caveat = files.back().judgement.checks.caveat();
  nlohmann::json event = {{"event", "verified"},
                          {"plan", last.plan.digest.hex()},
                          {"first_round", first_round},
                          {"last_round", last.record.round.value()},
                          {"updates", last.record.updates},
                          {"model", last.record.model.hex()},
                          {"model_checked", !options.model_path.empty()}};
  if (last.identity.has_value()) event["identity"] = last.identity->hex();
  if (!caveat.empty()) event["caveat"] = caveat;
  output.Json(JsonText(event));
  output.Line(absl::StrCat(output.Bold("verified"), ": ",
                           options.model_path.empty() ? "the record" : options.model_path,
                           " of round ", last.record.round.value(), ", made of exactly ",
                           last.record.updates, " updates"));
  if (last.identity.has_value()) {
    output.Line(absl::StrCat("  by the aggregator with the identity ", last.identity->hex()));
  }
  for (size_t i = 1; i < files.size(); ++i) {
    const CheckedRecord& record = *files[i].judgement.record;
    if (record.identity == files[i - 1].judgement.record->identity) continue;
    output.Line(absl::StrCat("  in round ", record.record.round.value(),
                             " another aggregator than before began anew, ",
                             ShortIdentity(record)));
  }
  if (first_round > 1) {
    output.Line(absl::StrCat("  the rounds before ", first_round,
                             " were not given: that history is taken as it is"));
  }
  PrintCaveat(output, caveat);
  return absl::OkStatus();
}

}  // namespace

void AddVerify(CLI::App& app, Verb& called) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = app.add_subcommand(
      "verify", "Checks a model and the records of its rounds offline: no network, no keys");
  verb->add_option("model", options->model_path,
                   "The model in the clear (safetensors), of the last record; may be left out");
  verb->add_option("--record", options->record_paths,
                   "A record file; give several to check the chain of rounds")
      ->required();
  verb->add_option("--policy", options->policy_path, "Whom you trust (JSON)")->required();
  verb->add_option("--receipt", options->receipt_paths,
                   "A receipt that `join` kept: shows that the own update is in its round");
  verb->footer(
      "Example:\n  sealfold-participant verify model-2.safetensors --record record-1.cbor --record "
      "record-2.cbor \\\n    --policy policy.json --receipt receipt-2.cbor");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Verify(*options, output); };
  });
}

}  // namespace sealfold
