#include "tests/bench/bench.h"

#include <hwy/highway.h>
#include <sched.h>
#include <zmq.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/backend.h"

namespace sealfold::bench {
namespace {

std::vector<Benchmark>& Registry() {
  static auto* const registry = new std::vector<Benchmark>();  // outlives every static object
  return *registry;
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

nlohmann::ordered_json Versions() {
  nlohmann::ordered_json out;
  for (const AeadBackend& backend : AeadBackends()) {
    out[std::string(backend.name)] = backend.version;
  }
  out["highway"] = absl::StrCat(HWY_MAJOR, ".", HWY_MINOR, ".", HWY_PATCH);
  int major = 0;
  int minor = 0;
  int patch = 0;
  zmq_version(&major, &minor, &patch);
  out["zeromq"] = absl::StrCat(major, ".", minor, ".", patch);
  out["compiler"] = __VERSION__;
  // Which of them serves here.
  out["aes256gcm"] = AeadLibrary(AeadId::kAes256Gcm);
  out["chacha20poly1305"] = AeadLibrary(AeadId::kChaCha20Poly1305);
  return out;
}

std::string Text(const Goal& goal) {
  switch (goal.kind) {
    case Goal::Kind::kAtLeast:
      return absl::StrCat(">= ", goal.ratio);
    case Goal::Kind::kAtMost:
      return absl::StrCat("<= ", goal.ratio);
    case Goal::Kind::kWithin:
      return absl::StrCat("1 +- ", goal.ratio);
  }
  return "";
}

bool Met(const Goal& goal, double ratio) {
  switch (goal.kind) {
    case Goal::Kind::kAtLeast:
      return ratio >= goal.ratio;
    case Goal::Kind::kAtMost:
      return ratio <= goal.ratio;
    case Goal::Kind::kWithin:
      return std::abs(ratio - 1) <= goal.ratio;
  }
  return false;
}

// Calls until `seconds` have passed; the rate of work over them.
double RateOnce(const Timed& timed, double seconds, Clock clock) {
  const double start = NowSeconds(clock);
  double elapsed = 0;
  double work = 0;
  do {
    timed.call();
    work += timed.work;
    elapsed = NowSeconds(clock) - start;
  } while (elapsed < seconds);
  return work / elapsed;
}

}  // namespace

double Samples::Min() const { return *std::min_element(values.begin(), values.end()); }
double Samples::Max() const { return *std::max_element(values.begin(), values.end()); }
double Samples::Median() const {
  SEALFOLD_CHECK(!values.empty());
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double NowSeconds(Clock clock) {
  timespec now = {};
  SEALFOLD_CHECK(
      clock_gettime(clock == Clock::kWall ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Samples> MeasureRates(const Options& options, Clock clock,
                                  absl::Span<const Timed> competitors) {
  std::vector<Samples> out(competitors.size());
  for (const Timed& timed : competitors) timed.call();
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    for (size_t i = 0; i < competitors.size(); ++i) {
      out[i].values.push_back(RateOnce(competitors[i], options.seconds, clock));
    }
  }
  return out;
}

OneCore::OneCore() {
  cpu_set_t set;
  SEALFOLD_CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) allowed_before_.push_back(cpu);
  }
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  SEALFOLD_CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

OneCore::~OneCore() {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : allowed_before_) CPU_SET(cpu, &set);
  SEALFOLD_CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

void Report::Line(absl::string_view name, absl::string_view unit, const Samples& samples,
                  absl::string_view against, const Samples& against_samples,
                  const LineExtra& extra) const {
  const double ratio = samples.Median() / against_samples.Median();
  nlohmann::ordered_json line = {{"name", std::string(name)}};
  for (const auto& [key, value] : extra.where) line["where"][key] = value;
  line["unit"] = std::string(unit);
  line["min"] = samples.Min();
  line["median"] = samples.Median();
  line["max"] = samples.Max();
  line["repeats"] = samples.values.size();
  line["against"] = std::string(against);
  line["against_median"] = against_samples.Median();
  line["ratio"] = ratio;
  if (extra.goal.has_value()) {
    line["goal"] = Text(*extra.goal);
    line["met"] = Met(*extra.goal, ratio);
  }
  line["cpu"] = CpuModel();
  line["dispatch"] = FoldTargetName();
  line["versions"] = Versions();
  std::cout << line.dump() << std::endl;
}

std::vector<Benchmark> AllBenchmarks() {
  std::vector<Benchmark> out = Registry();
  std::sort(out.begin(), out.end(),
            [](const Benchmark& a, const Benchmark& b) { return a.name < b.name; });
  return out;
}

Registration::Registration(absl::string_view name, absl::string_view about, Function run) {
  Registry().push_back({.name = std::string(name), .about = std::string(about), .run = run});
}

}  // namespace sealfold::bench
