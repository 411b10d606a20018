// Runs every benchmark at a tiny size and looks at the lines' shape: no figure fails anything.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;

// What docs/PERFORMANCE.md has a row for.
const char* const kNames[] = {"open_fold_vs_openssl",
                              "open_fold_1core",
                              "open_fold_2core",
                              "fold_f32",
                              "fold_bf16",
                              "fold_f16",
                              "fold_int8",
                              "exact_vs_float",
                              "confidential_vs_plain",
                              "vs_numpy_average",
                              "round_vs_grpc",
                              "round_vs_grpc_tls",
                              "round_vs_bound",
                              "peak_memory",
                              "cost_per_byte",
                              "cost_per_participant",
                              "chunk_bytes",
                              "staging_by_column",
                              "staging_opened_twice",
                              "staging_plaintext",
                              "staging_undo",
                              "round_1000_small",
                              "round_1000_small_p50",
                              "round_1000_small_p99",
                              "idle_round",
                              "idle_memory",
                              "idle_cpu",
                              "evidence_verify_nitro",
                              "evidence_verify_known_issuers",
                              "evidence_verify_known_leaf",
                              "evidence_verify_all_cores",
                              "hello_storm_p50",
                              "hello_storm_p99",
                              "round_whole"};

void ExpectEveryName(const std::vector<json>& lines) {
  std::set<std::string> names;
  for (const json& line : lines) names.insert(line["name"].get<std::string>());
  for (const char* name : kNames) EXPECT_THAT(names, ::testing::Contains(name));
}

// What it is, and where it was measured.
void ExpectTexts(const json& line) {
  for (const char* key : {"name", "unit", "against", "cpu", "dispatch"}) {
    ASSERT_TRUE(line.contains(key) && line[key].is_string()) << key;
    EXPECT_FALSE(line[key].get<std::string>().empty()) << key;
  }
  for (const char* library : {"openssl", "highway", "zeromq"}) {
    EXPECT_TRUE(line["versions"].contains(library)) << library;
  }
  EXPECT_EQ(line.contains("goal"), line.contains("met"));
}

void ExpectFigures(const json& line) {
  for (const char* key : {"min", "median", "max", "against_median", "ratio"}) {
    ASSERT_TRUE(line.contains(key) && line[key].is_number()) << key;
    EXPECT_TRUE(std::isfinite(line[key].get<double>())) << key;
  }
  EXPECT_LE(line["min"], line["median"]);
  EXPECT_LE(line["median"], line["max"]);
  EXPECT_GT(line["ratio"].get<double>(), 0);
  EXPECT_GE(line["repeats"].get<int>(), 1);
}

void ExpectPlots(const std::string& output) {
  const TempDir directory;
  ASSERT_TRUE(WriteFileAtomic(directory.Path("lines"), output).ok());
  const absl::StatusOr<ProgramResult> plotted = RunToEnd(
      {"/usr/bin/python3", SEALFOLD_PLOT, directory.Path("lines"), directory.Path("plots")});
  ASSERT_TRUE(plotted.ok()) << plotted.status();
  ASSERT_EQ(plotted->exit_code, 0) << plotted->err;
  for (const char* table :
       {"open_fold", "chunk_bytes", "staging", "fold", "round_vs_grpc", "round_1000_small",
        "idle_connections", "peak_memory", "cost_per_byte", "cost_per_participant", "evidence"}) {
    const std::string path = directory.Path(absl::StrCat("plots/", table, ".svg"));
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
}

// In one test, as it is one run.
TEST(BenchTest, EveryBenchmarkPrintsItsLines) {
  const absl::StatusOr<ProgramResult> result =
      RunToEnd({SEALFOLD_BENCH_PROGRAM, "--tiny", "--repeats", "2", "--seconds", "0.001"});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->exit_code, 0) << result->err;
  std::vector<json> lines;
  std::set<std::string> points;  // lines of one name are different ones, or beside different things
  for (absl::string_view text : absl::StrSplit(result->out, '\n', absl::SkipEmpty())) {
    SCOPED_TRACE(text);
    const json line = json::parse(text, nullptr, /*allow_exceptions=*/false);
    ASSERT_TRUE(line.is_object());
    ASSERT_NO_FATAL_FAILURE(ExpectTexts(line));
    ASSERT_NO_FATAL_FAILURE(ExpectFigures(line));
    const json point = {line["name"], line.value("where", json()), line["against"]};
    EXPECT_TRUE(points.insert(point.dump()).second);
    lines.push_back(line);
  }
  ExpectEveryName(lines);
  ExpectPlots(result->out);
}

}  // namespace
}  // namespace sealfold
