// sealfold-bench: runs the benchmarks that its filters name.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {
namespace {

std::string Names() {
  std::string out;
  for (const Benchmark& b : AllBenchmarks()) out += (out.empty() ? "" : ", ") + b.name;
  return out;
}

bool Chosen(const Benchmark& benchmark, const std::vector<std::string>& filters) {
  return filters.empty() ||
         std::any_of(filters.begin(), filters.end(), [&](const std::string& filter) {
           return benchmark.name.find(filter) != std::string::npos;
         });
}

absl::Status Run(const std::vector<std::string>& filters, const Options& options) {
  const Report report(options);
  bool any = false;
  for (const Benchmark& benchmark : AllBenchmarks()) {
    if (!Chosen(benchmark, filters)) continue;
    any = true;
    SEALFOLD_RETURN_IF_ERROR(benchmark.run(report));
  }
  if (any) return absl::OkStatus();
  return BadInput({.code = "benchmark_unknown",
                   .what = "filter",
                   .expected = "a part of one of: " + Names(),
                   .found = filters.empty() ? "" : filters.front()});
}

int Main(int argc, char** argv) {
  CLI::App app("Measures Sealfold beside what bounds it; prints JSON Lines.", "sealfold-bench");
  app.footer("Example:\n  sealfold-bench crypto --repeats 15");
  std::vector<std::string> filters;
  Options options;
  bool list = false;
  app.add_option("FILTER", filters, "run only benchmarks whose name contains one of these");
  app.add_option("--repeats", options.repeats, "samples of each figure")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "least time of each sample")
      ->check(CLI::Range(0.001, 60.0))
      ->capture_default_str();
  app.add_flag("--tiny", options.tiny, "every line at a size that means nothing, within seconds");
  app.add_flag("--list", list, "list the benchmarks and end");
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  if (list) {
    for (const Benchmark& b : AllBenchmarks()) std::cout << b.name << "  " << b.about << "\n";
    return kExitDone;
  }
  return Output(false).Finish(Run(filters, options));
}

}  // namespace
}  // namespace sealfold::bench

int main(int argc, char** argv) { return sealfold::bench::Main(argc, argv); }
