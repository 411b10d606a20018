#include "tests/bench/kit/process_usage.h"

#include <sys/resource.h>
#include <time.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/base/error.h"

namespace sealfold::bench {
namespace {

uint64_t Number(absl::string_view text) {
  uint64_t number = 0;
  SEALFOLD_CHECK(absl::SimpleAtoi(text, &number));
  return number;
}

// A line of the kernel's status of a process that is in kB.
uint64_t StatusBytes(pid_t pid, absl::string_view name) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (!absl::StartsWith(line, name)) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    return Number(words.at(1)) << 10;
  }
  SEALFOLD_CHECK(false);
}

}  // namespace

double CpuSeconds(pid_t pid) {
  clockid_t clock = {};
  timespec time = {};
  SEALFOLD_CHECK(clock_getcpuclockid(pid, &clock) == 0);
  SEALFOLD_CHECK(clock_gettime(clock, &time) == 0);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double EndedChildrenCpuSeconds() {
  rusage usage = {};
  SEALFOLD_CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t PeakBytes(pid_t pid) { return StatusBytes(pid, "VmHWM:"); }

uint64_t ResidentBytes(pid_t pid) { return StatusBytes(pid, "VmRSS:"); }

}  // namespace sealfold::bench
