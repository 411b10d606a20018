#include "tests/bench/kit/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

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

}  // namespace

double CpuSeconds(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string line;
  SEALFOLD_CHECK(static_cast<bool>(std::getline(file, line)));
  // After the program's name in parentheses the third of the kernel's fields comes first.
  const std::vector<std::string> fields = absl::StrSplit(line.substr(line.rfind(')') + 2), ' ');
  constexpr size_t kUserTime = 14 - 3;
  return static_cast<double>(Number(fields.at(kUserTime)) + Number(fields.at(kUserTime + 1))) /
         static_cast<double>(sysconf(_SC_CLK_TCK));
}

double EndedChildrenCpuSeconds() {
  rusage usage = {};
  SEALFOLD_CHECK(getrusage(RUSAGE_CHILDREN, &usage) == 0);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

uint64_t PeakBytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (!absl::StartsWith(line, "VmHWM:")) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    return Number(words.at(1)) << 10;
  }
  SEALFOLD_CHECK(false);
}

}  // namespace sealfold::bench
