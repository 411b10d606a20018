#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

struct SubmitOptions {
  RunOptions run;
  std::string update_path;
  uint64_t weight = 0;
};

absl::Status Submit(const SubmitOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Client> client,
                            options.run.Open(options.run.patience(), output));
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<RoundReport> rounds, client->CatchUp());
  for (const RoundReport& report : rounds) {
    output.Json(JsonText(RoundJson(report)));
    output.Line(RoundLine(report));
  }
  SubmitWatcher watcher;
  watcher.checks = [&](const CheckList& checks) { PrintChecks(output, "the aggregator", checks); };
  watcher.acknowledged = [&](uint64_t chunks, uint64_t of) {
    if (!output.terminal()) return;
    std::printf("\r  sealed and sent: %llu of %llu chunks", static_cast<unsigned long long>(chunks),
                static_cast<unsigned long long>(of));
    std::fflush(stdout);
  };
  std::optional<uint64_t> weight;
  if (options.weight != 0) weight = options.weight;
  absl::StatusOr<Submission> submitted = client->Submit(options.update_path, weight, watcher);
  if (output.terminal()) std::printf("\r\x1b[K");
  SEALFOLD_RETURN_IF_ERROR(submitted.status());

  const LogEntry& entry = submitted->entry;
  nlohmann::json event = {{"event", "submitted"},
                          {"round", entry.round.value()},
                          {"attempt", entry.attempt.value()},
                          {"log_index", entry.index},
                          {"header", entry.header.hex()},
                          {"tags", entry.tags.hex()}};
  if (!submitted->checks.caveat().empty()) event["caveat"] = submitted->checks.caveat();
  output.Json(JsonText(event));
  output.Line(absl::StrCat("submitted to round ", entry.round.value(), ", attempt ",
                           entry.attempt.value(),
                           ": the aggregator's receipt for exactly this update holds"));
  PrintCaveat(output, submitted->checks.caveat());
  return absl::OkStatus();
}

}  // namespace

void AddSubmit(CLI::App& app, Verb& called) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* verb = app.add_subcommand(
      "submit",
      "Sends one update to the round under way, once every check of the aggregator passed");
  options->run.AddTo(*verb);
  verb->add_option("--update", options->update_path, "The update (safetensors)")->required();
  verb->add_option("--weight", options->weight,
                   "Number of examples it was trained on; else the file's num_examples")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 29));
  verb->footer(
      "Example:\n  sealfold-participant submit --connect tcp://coordinator.example:7300 --policy "
      "policy.json \\\n    --key north.key --state state --update update.safetensors --weight 212");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Submit(*options, output); };
  });
}

}  // namespace sealfold
