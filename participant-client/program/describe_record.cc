#include "absl/strings/str_cat.h"
#include "attest/report/describe_evidence.h"
#include "participant-client/program/describe.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/key_file.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

ordered_json HexOrNull(const std::optional<Digest>& digest) {
  return digest.has_value() ? ordered_json(digest->hex()) : ordered_json();
}

// The key whose claim holds; null without one.
ordered_json IdentityJson(const absl::StatusOr<CheckedRecord>& checked,
                          const OpenedRecord& opened) {
  if (!opened.record.identity.has_value()) return {};
  if (!checked.ok() || !checked->identity.has_value()) return "a claim that is not verified";
  return checked->identity->hex();
}

ordered_json EntryJson(const LogEntry& entry) {
  return {{"index", entry.index},
          {"participant", entry.participant.hex()},
          {"header", entry.header.hex()},
          {"tags", entry.tags.hex()}};
}

}  // namespace

Description DescribeRecord(const RecordFile& file) {
  Description out{"record", "", {}};
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(file);
  const absl::StatusOr<OpenedRecord> opened = OpenRecord(file.record);
  out.headline =
      checked.ok()
          ? "A record file whose parts agree; its evidence is not verified without --policy"
          : absl::StrCat("A record file that does NOT hold: ", Explain(checked.status()).what, " [",
                         ErrorCode(checked.status()), "]");
  if (opened.ok()) {
    const RoundRecord& record = opened->record;
    out.fields = {
        {"digest", opened->digest.hex(), "the next record names this one by it"},
        {"plan", record.plan.hex(), "digest of the run's plan"},
        {"round", record.round.value(), "of the run"},
        {"attempt", record.attempt.value(), "above 1: the round was started again"},
        {"previous_record", HexOrNull(record.previous_record), "none in round 1"},
        {"base_model", record.base_model.hex(), "SHA-256 of the model that the round started from"},
        {"model", record.model.hex(), "SHA-256 of the model published, in the clear"},
        {"updates", record.updates, "how many it is made of"},
        {"weight_sum", record.weight_sum, "their examples together"},
        {"error_max", record.error_max,
         "bound of the error of the mean: of the grid and of rounding"},
        {"log_root", record.log_root.hex(), "commits to exactly the updates below (RFC 9162)"},
        {"model_key_commitment", HexOrNull(record.model_key_commitment),
         "sealed delivery: of the model's key"},
        {"identity", IdentityJson(checked, *opened),
         "the aggregator's key across restarts; none where it keeps no state"}};
  }
  ordered_json log = ordered_json::array();
  for (const LogEntry& entry : file.log) log.push_back(EntryJson(entry));
  out.fields.push_back({"log", log, "one entry for each update folded"});
  out.fields.push_back(
      {"record_key", file.binding.record_key.hex(), "signed the record; named by the evidence"});
  out.fields.push_back(
      {"hpke_key", file.binding.hpke_key.hex(), "SHA-256 of the key the updates were sealed to"});
  out.fields.push_back({"platform", file.platform, "whose evidence it carries"});
  out.fields.push_back({"model_keys", file.model_keys.size(),
                        "copies of the model's key, each sealed to one participant"});
  if (auto evidence = DescribeEvidence(file.evidence); evidence.ok()) {
    ordered_json inner;
    for (const Field& field : evidence->fields) inner[field.name] = field.value;
    out.fields.push_back({"evidence", inner, "about the program that signed; NOT VERIFIED here"});
  }
  return out;
}

Description DescribeReceipt(const ReceiptProof& proof) {
  Description out{
      "receipt",
      "A receipt with its inclusion proof; `verify --receipt` checks it against the round's record",
      {}};
  // The signer is read from the receipt itself, so this shows form and signature, not whose key it
  // is.
  const absl::StatusOr<Sign1> opened = OpenSign1(proof.receipt, "sealfold receipt 1");
  if (!opened.ok()) {
    out.headline = "A receipt whose signature does NOT hold";
    return out;
  }
  out.fields.push_back(
      {"record_key", opened->signer.hex(), "signed it; must be the one in the record's evidence"});
  if (auto entry = OpenReceipt(proof.receipt, opened->signer); entry.ok()) {
    out.fields.push_back({"plan", entry->plan.hex(), "digest of the run's plan"});
    out.fields.push_back({"round", entry->round.value(), "of the run"});
    out.fields.push_back({"attempt", entry->attempt.value(), "of the round"});
    out.fields.push_back({"participant", entry->participant.hex(), "whose update it is"});
    out.fields.push_back({"index", entry->index, "in the round's log"});
    out.fields.push_back(
        {"header", entry->header.hex(), "SHA-256 of the last signed envelope header"});
    out.fields.push_back(
        {"tags", entry->tags.hex(), "SHA-256 of all sealed chunks' tags: exactly what was sent"});
  }
  ordered_json path = ordered_json::array();
  for (const Digest& digest : proof.path) path.push_back(digest.hex());
  out.fields.push_back({"path", path, "leads from the update to the log's root (RFC 9162)"});
  return out;
}

absl::StatusOr<Description> DescribeKey(const std::string& path, absl::string_view text) {
  SigningPublicKey key;
  std::optional<SealingPublicKey> model_key;
  Description out{"public-key", "A public key file: this may be given away", {}};
  if (auto open = ParsePublicKeyFile(text, path); open.ok()) {
    out.fields.push_back({"name", open->name, "for people"});
    key = open->key;
    model_key = open->model_key;
  } else {
    SEALFOLD_ASSIGN_OR_RETURN(KeyFile own, ParseKeyFile(AsBytes(text)));
    out.kind = "key";
    out.headline = "A key file: SECRET, give it to no one. Its public parts:";
    const PublicKeyFile part = PublicPart(own, "");
    key = part.key;
    model_key = part.model_key;
  }
  out.fields.push_back({"key", key.hex(), "checks this party's signatures; names it"});
  if (model_key.has_value()) {
    out.fields.push_back({"model_key", model_key->hex(), "sealed models' keys are sealed to it"});
  }
  return out;
}

}  // namespace sealfold
