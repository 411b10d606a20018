// The demonstration: a federated study between three hospitals, verified, and three things that
// must not pass.
#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "examples/hospitals/demo/refusals.h"
#include "examples/hospitals/demo/screen.h"
#include "examples/hospitals/demo/study_run.h"
#include "protocol/base/error.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

// A folder is only emptied if the demonstration made it.
constexpr char kMarker[] = "made-by-sealfold-demo";

struct DemoOptions {
  std::string programs;
  std::string data;
  std::string directory = "demo-files";
  uint64_t seeds = 1;
};

absl::StatusOr<std::string> EmptyFolder(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path) && !fs::is_empty(path, error) && !fs::exists(path + "/" + kMarker)) {
    return BadInput({.code = "folder_in_use",
                     .what = path,
                     .expected = "an empty folder, or one that the demonstration made",
                     .found = "other files",
                     .advice = "name another with --dir"});
  }
  fs::remove_all(path, error);
  fs::create_directories(path, error);
  if (error) return BadInput({.code = "folder_unusable", .what = path, .found = error.message()});
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(path + "/" + kMarker, ""));
  return fs::canonical(path, error).string();
}

// Mean and standard deviation (n - 1).
struct Spread {
  explicit Spread(const std::vector<double>& values) {
    for (double v : values) mean += v / static_cast<double>(values.size());
    for (double v : values) deviation += (v - mean) * (v - mean);
    deviation =
        values.size() < 2 ? 0 : std::sqrt(deviation / static_cast<double>(values.size() - 1));
  }
  double mean = 0;
  double deviation = 0;
};

// One line of the table: a way of training, over all seeds.
void ShowRow(Screen& screen, const std::string& name, const std::vector<Metrics>& metrics) {
  std::vector<double> accuracy;
  std::vector<double> auc;
  for (const Metrics& m : metrics) {
    accuracy.push_back(100 * m.accuracy);
    auc.push_back(m.auc);
  }
  const Spread a(accuracy);
  const Spread u(auc);
  if (metrics.size() == 1) {
    screen.Always(absl::StrFormat("  %-16s %8.2f %%   %8.4f", name, a.mean, u.mean));
  } else {
    screen.Always(absl::StrFormat("  %-16s %6.2f ± %4.2f %%   %6.4f ± %6.4f", name, a.mean,
                                  a.deviation, u.mean, u.deviation));
  }
}

void ShowTable(Screen& screen, const std::vector<StudyResult>& results) {
  screen.Always("");
  screen.Always(results.size() == 1 ? "On the common test set     accuracy        AUC"
                                    : absl::StrCat("On the common test set, mean ± sd over ",
                                                   results.size(), " seeds: accuracy, AUC"));
  std::vector<Metrics> alone_mean;
  std::vector<Metrics> federated;
  std::vector<Metrics> pooled;
  for (const StudyResult& r : results) {
    Metrics mean;
    for (const Metrics& m : r.alone) {
      mean.accuracy += m.accuracy / kHospitals;
      mean.auc += m.auc / kHospitals;
    }
    alone_mean.push_back(mean);
    federated.push_back(r.federated);
    pooled.push_back(r.pooled);
  }
  for (size_t i = 0; i < kHospitals; ++i) {
    std::vector<Metrics> alone;
    for (const StudyResult& r : results) alone.push_back(r.alone[i]);
    ShowRow(screen, absl::StrCat(kHospitalNames[i], " alone"), alone);
  }
  ShowRow(screen, "mean of alone", alone_mean);
  ShowRow(screen, "federated", federated);
  ShowRow(screen, "pooled", pooled);
  if (!results.front().caveat.empty()) screen.Always("  " + results.front().caveat);
}

absl::Status ShowVerification(Screen& screen, const DemoOptions& options,
                              const std::string& directory, const StudyResult& result) {
  screen.Heading("Anyone can verify the published model, offline");
  std::vector<std::string> command = {options.programs + "/sealfold-participant", "verify",
                                      result.model, "--policy", directory + "/policy.json"};
  for (const std::string& record : result.records)
    command.insert(command.end(), {"--record", record});
  SEALFOLD_ASSIGN_OR_RETURN(const ProgramResult verified, RunToEnd(command));
  const std::vector<std::string> lines = absl::StrSplit(verified.out, '\n', absl::SkipEmpty());
  constexpr size_t kLinesShown = 12;  // a chain's records look alike: the last ones are enough
  if (lines.size() > kLinesShown) {
    screen.Line(absl::StrCat("  (", lines.size() - kLinesShown, " lines on earlier rounds)"));
  }
  for (size_t i = lines.size() > kLinesShown ? lines.size() - kLinesShown : 0; i < lines.size();
       ++i) {
    screen.Line("  " + lines[i]);
  }
  if (verified.exit_code == kExitDone) return absl::OkStatus();
  return Refused(
      {.code = "verification_failed", .what = "the published model", .found = verified.err});
}

absl::Status ShowRefusal(Screen& screen, const std::string& title,
                         const absl::StatusOr<Refusal>& refusal) {
  SEALFOLD_RETURN_IF_ERROR(refusal.status());
  screen.Heading(title);
  for (absl::string_view line : absl::StrSplit(refusal->said, '\n', absl::SkipEmpty())) {
    screen.Line(absl::StrCat("  ", line));
  }
  screen.Line(absl::StrCat("  exit code ", refusal->exit_code));
  if (refusal->exit_code == kExitRefused) return absl::OkStatus();
  return BadInput({.code = "not_refused",
                   .what = title,
                   .expected = absl::StrCat("exit code ", kExitRefused),
                   .found = absl::StrCat("exit code ", refusal->exit_code)});
}

absl::Status ShowRefusals(Screen& screen, const std::string& directory, const StudyResult& result) {
  SEALFOLD_RETURN_IF_ERROR(ShowRefusal(screen,
                                       "Refused: an aggregator whose binary differs in one byte",
                                       RefuseChangedAggregator(result.federation, result.update)));
  SEALFOLD_RETURN_IF_ERROR(
      ShowRefusal(screen, "Refused: the published model with one bit changed",
                  RefuseChangedModel(result.federation, result.model, result.records,
                                     directory + "/policy.json")));
  return ShowRefusal(screen, "Refused: a plan with a quorum of 2, under a policy that asks for 3",
                     RefuseWeakPlan(result.federation, result.update));
}

absl::Status RunSeeds(const DemoOptions& options, const std::string& directory) {
  Screen screen(/*quiet=*/true);
  std::vector<StudyResult> results;
  for (uint64_t seed = 1; seed <= options.seeds; ++seed) {
    StudySetup setup{.programs = options.programs,
                     .data = options.data,
                     .directory = absl::StrCat(directory, "/seed-", seed),
                     .seed = seed};
    std::filesystem::create_directories(setup.directory);
    SEALFOLD_ASSIGN_OR_RETURN(StudyResult result, RunStudy(setup, screen));
    screen.Always(absl::StrFormat("seed %u: federated %.2f %%, pooled %.2f %%",
                                  static_cast<unsigned>(seed), 100 * result.federated.accuracy,
                                  100 * result.pooled.accuracy));
    results.push_back(std::move(result));
  }
  ShowTable(screen, results);
  return absl::OkStatus();
}

absl::Status RunOnce(const DemoOptions& options, const std::string& directory) {
  Screen screen;
  screen.Line("Three hospitals train one model; none shows its patients or its updates to anyone.");
  SEALFOLD_ASSIGN_OR_RETURN(
      const StudyResult result,
      RunStudy({.programs = options.programs, .data = options.data, .directory = directory},
               screen));
  ShowTable(screen, {result});
  SEALFOLD_RETURN_IF_ERROR(ShowVerification(screen, options, directory, result));
  SEALFOLD_RETURN_IF_ERROR(ShowRefusals(screen, directory, result));
  screen.Heading("Where things are, and what to try next");
  screen.Line(absl::StrCat("  files           ", directory));
  screen.Line(absl::StrCat("  a record        ", options.programs, "/sealfold-participant inspect ",
                           directory, "/coordinator/record-1.cbor"));
  screen.Line("  five seeds      ./run demo --seeds 5");
  screen.Line("  as a hospital   docs/hospital.md");
  return absl::OkStatus();
}

}  // namespace
}  // namespace sealfold::hospitals

int main(int argc, char** argv) {
  using sealfold::hospitals::DemoOptions;
  CLI::App app("A federated study between three hospitals, as real processes on this machine.",
               "hospitals-demo");
  DemoOptions options;
  app.add_option("--programs", options.programs, "Folder of the programs")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--data", options.data, "Folder with wdbc.csv and plan.json")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--dir", options.directory, "Folder for all files; emptied first")
      ->capture_default_str();
  app.add_option("--seeds", options.seeds, "Run that many studies and print one table")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.footer("Example:\n  hospitals-demo --programs build/bin --data examples/hospitals --seeds 5");
  if (std::optional<int> ended = sealfold::ParseCommandLine(app, argc, argv)) return *ended;
  const sealfold::Output output(/*json=*/false);
  absl::StatusOr<std::string> directory = sealfold::hospitals::EmptyFolder(options.directory);
  if (!directory.ok()) return output.Finish(directory.status());
  options.programs = std::filesystem::canonical(options.programs).string();
  options.data = std::filesystem::canonical(options.data).string();
  return output.Finish(options.seeds > 1 ? sealfold::hospitals::RunSeeds(options, *directory)
                                         : sealfold::hospitals::RunOnce(options, *directory));
}
