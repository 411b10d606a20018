// What every benchmark is made of: a timer that lets competitors take turns, and the one line
// format.
//
// A benchmark is a function in bench_<subject>.cc that registers itself under a name;
// sealfold-bench runs those that its filters name, and each prints its lines as they come (JSON
// Lines on stdout).
#ifndef SEALFOLD_TESTS_BENCH_BENCH_H_
#define SEALFOLD_TESTS_BENCH_BENCH_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sealfold::bench {

// One figure per repeat. Requires of all three: not empty.
struct Samples {
  std::vector<double> values;
  double Min() const;
  double Median() const;
  double Max() const;
};

// kThreadCpu counts only what this thread computes, so that other load of the machine disturbs
// less: for work of one thread that never waits.
enum class Clock { kWall, kThreadCpu };
double NowSeconds(Clock clock);

struct Timed {
  std::function<void()> call;
  double work = 1;  // what one call does, in the unit that a rate is wanted of
};

struct Options {
  int repeats = 5;
  double seconds = 0.1;  // of each repeat of each competitor, at least
  // Sizes at which a figure means nothing, but every line comes within seconds: for a test of the
  // lines' shape.
  bool tiny = false;
};

// Work per second of each competitor. They take turns in every repeat, so that a change of the
// machine's speed touches all alike; one call of each goes before, untimed.
std::vector<Samples> MeasureRates(const Options& options, Clock clock,
                                  absl::Span<const Timed> competitors);

// Keeps this thread, and the children it starts, on the core where it is now; gives back what was
// allowed before.
class OneCore {
 public:
  OneCore();
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;
  ~OneCore();

 private:
  std::vector<int> allowed_before_;
};

// What a line's ratio should be.
struct Goal {
  enum class Kind { kAtLeast, kAtMost, kWithin };  // kWithin: of 1, so far to either side
  Kind kind;
  double ratio;
};

struct LineExtra {
  // Which point of a series the line is: lines of one name differ in it.
  std::vector<std::pair<std::string, uint64_t>> where = {};
  std::optional<Goal> goal = {};
};

class Report {
 public:
  explicit Report(const Options& options) : options_(options) {}
  const Options& options() const { return options_; }

  // Prints {"name", "where", "unit", "min", "median", "max", "repeats", "against",
  // "against_median", "ratio", "goal", "met", "cpu", "dispatch", "versions"}; where and goal only
  // where there is one. The ratio is samples' median by against_samples', which are of the same
  // unit and, where they can be, measured in the same run; `against` says what they are.
  void Line(absl::string_view name, absl::string_view unit, const Samples& samples,
            absl::string_view against, const Samples& against_samples,
            const LineExtra& extra = {}) const;

 private:
  Options options_;
};

using Function = absl::Status (*)(const Report& report);

struct Benchmark {
  std::string name;
  std::string about;  // one line for --list
  Function run;
};

// Every registered one, by name.
std::vector<Benchmark> AllBenchmarks();

// For a variable of static storage in bench_<subject>.cc.
class Registration {
 public:
  Registration(absl::string_view name, absl::string_view about, Function run);
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_BENCH_H_
