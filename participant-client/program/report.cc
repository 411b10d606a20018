#include "participant-client/program/report.h"

#include "absl/strings/str_cat.h"
#include "attest/report/check_report.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

std::string Whose(const RoundReport& report) {
  const char* whose = report.identity_changed          ? "another aggregator than before"
                      : report.identity_of_earlier_run ? "the aggregator of an earlier run"
                                                       : nullptr;
  return whose == nullptr ? ""
                          : absl::StrCat(", by ", whose, " (", ShortIdentity(report.record), ")");
}

}  // namespace

std::string ShortIdentity(const CheckedRecord& record) {
  return record.identity.has_value()
             ? absl::StrCat("identity ", record.identity->hex().substr(0, 12))
             : "without an identity";
}

void PrintNote(const Output& output, const std::string& text) {
  output.Json(JsonText(nlohmann::json{{"event", "note"}, {"text", text}}));
  output.Line(text);
}

void PrintCaveat(const Output& output, const std::string& caveat) {
  if (!caveat.empty()) output.Line(output.Warn(caveat));
}

void PrintChecks(const Output& output, const std::string& of, const CheckList& checks) {
  nlohmann::json event = {{"event", "checks"},
                          {"of", of},
                          {"passed", checks.passed()},
                          {"checks", ChecksJson(checks.checks())}};
  if (!checks.caveat().empty()) event["caveat"] = checks.caveat();
  output.Json(JsonText(event));
  if (output.json()) return;
  output.Line(output.Bold(of));
  PrintCheckTable(output, checks.checks());
  PrintCaveat(output, checks.caveat());
}

nlohmann::json RoundJson(const RoundReport& report) {
  const RoundRecord& record = report.record.record;
  nlohmann::json out = {{"event", "round"},
                        {"round", record.round.value()},
                        {"attempt", record.attempt.value()},
                        {"updates", record.updates},
                        {"weight_sum", record.weight_sum},
                        {"model", record.model.hex()},
                        {"record", report.record.digest.hex()},
                        {"error_max", record.error_max},
                        {"included", report.included}};
  if (report.record.identity.has_value()) out["identity"] = report.record.identity->hex();
  if (report.identity_changed) out["identity_changed"] = true;
  if (report.identity_of_earlier_run) out["identity_of_earlier_run"] = true;
  if (!report.receipt_proof_path.empty()) out["receipt"] = report.receipt_proof_path;
  if (!report.checks.caveat().empty()) out["caveat"] = report.checks.caveat();
  return out;
}

std::string RoundLine(const RoundReport& report) {
  const RoundRecord& record = report.record.record;
  const char* own = !report.included                    ? "without an update from here"
                    : report.receipt_proof_path.empty() ? "own update in its log"
                                                        : "own receipt honoured";
  return absl::StrCat(
      "round ", record.round.value(), " of ", report.record.plan.plan.rounds, ": ", record.updates,
      " updates",
      record.attempt.value() > 1 ? absl::StrCat(" in attempt ", record.attempt.value()) : "", ", ",
      own, ", model ", record.model.hex().substr(0, 12), Whose(report), ", verified");
}

}  // namespace sealfold
