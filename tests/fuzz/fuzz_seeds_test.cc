// Every fuzz target once with each of its seeds: one that no longer holds shows in a build without
// libFuzzer, as does a target that no longer compiles.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

// SEALFOLD_FUZZ_TARGETS: TARGET(name) of each.
#define TARGET(name) int name(const uint8_t* data, size_t size);
extern "C" {
SEALFOLD_FUZZ_TARGETS
}
#undef TARGET

namespace sealfold {
namespace {

constexpr char kCorpus[] = SEALFOLD_FUZZ_CORPUS;

struct FuzzTarget {
  const char* name;
  int (*run)(const uint8_t* data, size_t size);
};
#define TARGET(name) {#name, &(name)},
constexpr FuzzTarget kFuzzTargets[] = {SEALFOLD_FUZZ_TARGETS};
#undef TARGET

void PrintTo(const FuzzTarget& target, std::ostream* out) { *out << target.name; }

class FuzzSeedsTest : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzSeedsTest, Hold) {
  const FuzzTarget& target = GetParam();
  const uint8_t none = 0;
  EXPECT_EQ(target.run(&none, 0), 0);
  const std::filesystem::path seeds = std::filesystem::path(kCorpus) / target.name;
  if (!std::filesystem::exists(seeds)) return;
  for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
    std::cout << entry.path().filename().string() << std::endl;  // a target that fails aborts
    std::ifstream file(entry.path(), std::ios::binary);
    ASSERT_TRUE(file.good());
    const std::string seed{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // A copy of its own, so that a sanitizer sees where it ends.
    const std::vector<uint8_t> bytes(seed.begin(), seed.end());
    EXPECT_EQ(target.run(bytes.data(), bytes.size()), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Fuzz, FuzzSeedsTest, ::testing::ValuesIn(kFuzzTargets),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FuzzCorpus, HasNoFolderWithoutATarget) {
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    const std::string name = entry.path().filename().string();
    EXPECT_TRUE(std::any_of(std::begin(kFuzzTargets), std::end(kFuzzTargets),
                            [&](const FuzzTarget& target) { return name == target.name; }))
        << name;
  }
}

}  // namespace
}  // namespace sealfold
