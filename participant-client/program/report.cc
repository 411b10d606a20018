#include "participant-client/program/report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sealfold {

nlohmann::json ChecksJson(const CheckList& checks) {
  nlohmann::json out = nlohmann::json::array();
  for (const Check& check : checks.checks()) {
    out.push_back({{"name", check.name},
                   {"expected", check.expected},
                   {"found", check.found},
                   {"passed", check.passed}});
  }
  return out;
}

std::string Shorten(const std::string& text, size_t length_max) {
  return text.size() <= length_max ? text : absl::StrCat(text.substr(0, length_max - 3), "...");
}

void PrintCaveat(const Output& output, const std::string& caveat) {
  if (!caveat.empty()) output.Line(output.Warn(caveat));
}

void PrintChecks(const Output& output, const std::string& of, const CheckList& checks) {
  nlohmann::json event = {
      {"event", "checks"}, {"of", of}, {"passed", checks.passed()}, {"checks", ChecksJson(checks)}};
  if (!checks.caveat().empty()) event["caveat"] = checks.caveat();
  output.Json(event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  if (output.json()) return;

  output.Line(output.Bold(of));
  size_t width = 0;
  for (const Check& check : checks.checks()) width = std::max(width, check.name.size());
  for (const Check& check : checks.checks()) {
    const std::string name = absl::StrFormat("%-*s", static_cast<int>(width), check.name);
    if (check.passed && check.expected == check.found) {
      output.Line(absl::StrCat("  ", output.Mark(true), " ", name, "  ", Shorten(check.found)));
    } else {
      output.Line(absl::StrCat("  ", output.Mark(check.passed), " ", name, "  expected ",
                               Shorten(check.expected), ", found ", Shorten(check.found)));
    }
  }
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
      own, ", model ", record.model.hex().substr(0, 12), ", verified");
}

}  // namespace sealfold
