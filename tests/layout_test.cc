// What tests alone may do stays out of what is shipped: a header of a testing folder can make what
// only verified evidence makes elsewhere (aggregator/core/testing/unverified_peer.h).
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr size_t kSourceBytesMax = 1 << 20;

// Of a path below the sources, as includes name it too.
bool IsForTests(absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  for (const absl::string_view folder : absl::MakeSpan(parts).first(parts.size() - 1)) {
    if (folder == "testing" || folder == "tests") return true;
  }
  return absl::StartsWith(parts.back(), "testing_") || absl::EndsWith(parts.back(), "_test.cc");
}

std::vector<std::string> IncludesForTests(const std::string& source) {
  std::vector<std::string> found;
  for (const absl::string_view line : absl::StrSplit(source, '\n')) {
    if (!absl::StartsWith(line, "#") || !absl::StrContains(line, "include")) continue;
    const std::vector<absl::string_view> quoted = absl::StrSplit(line, '"');
    if (quoted.size() > 1 && IsForTests(quoted[1])) found.emplace_back(quoted[1]);
  }
  return found;
}

TEST(LayoutTest, WhatIsShippedIncludesNothingOfTests) {
  const std::filesystem::path root = SEALFOLD_SOURCE;
  size_t shipped = 0;
  size_t tests_that_do = 0;
  for (const char* folder :
       {"protocol", "attest", "aggregator", "participant-client", "examples"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(root / folder)) {
      const std::string path = file.path().lexically_relative(root).string();
      if (!absl::EndsWith(path, ".cc") && !absl::EndsWith(path, ".h")) continue;
      const std::vector<std::string> includes =
          IncludesForTests(*ReadFile(file.path().string(), kSourceBytesMax));
      if (IsForTests(path)) {
        tests_that_do += includes.empty() ? 0 : 1;
        continue;
      }
      ++shipped;
      EXPECT_TRUE(includes.empty()) << path << " includes " << includes.front();
    }
  }
  EXPECT_GT(shipped, 300u);
  EXPECT_GT(tests_that_do, 50u);
}

}  // namespace
}  // namespace sealfold
