// A model of 5 GB goes through a round, and nobody's memory grows with it but the aggregator's sum
// and staging.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/program/program.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

constexpr uint64_t kElements = 1'250'000'000;  // F32: 5 GB
constexpr uint64_t kPayloadBytes = 4 * kElements + 256;
constexpr uint64_t kChunkBytes = 1 << 20;
constexpr uint64_t kSealedBytes = kPayloadBytes + (kPayloadBytes / kChunkBytes + 1) * 16;
constexpr uint64_t kAggregatorElseBytes = uint64_t{256} << 20;
constexpr int64_t kParticipantKbMax = 512 << 10;

// The most that a running process ever had in memory.
uint64_t PeakBytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (!absl::StartsWith(line, "VmHWM:")) continue;
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    uint64_t kb = 0;
    EXPECT_TRUE(absl::SimpleAtoi(words.at(1), &kb));
    return kb << 10;
  }
  return UINT64_MAX;
}

TEST(LargeModelTest, FiveGigabytesGoThroughARound) {
  KnownStudy study({.rounds = 1,
                    .elements = kElements,
                    .chunk_bytes = kChunkBytes,
                    .zeros = true,
                    .staging_bytes_max = kSealedBytes});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  EXPECT_EQ(std::filesystem::file_size(study.ModelPath(1)),
            std::filesystem::file_size(study.ModelPath(0)));
  EXPECT_EQ(study.Verify(), kExitDone);
  const uint64_t peak = PeakBytes(study.federation().aggregator().pid());
  std::printf("aggregator peak: %.2f GB\n", static_cast<double>(peak) / 1e9);
  EXPECT_LE(peak, 8 * kElements + kSealedBytes + kAggregatorElseBytes);
  // Of all children that have ended: the participants among them.
  rusage usage = {};
  ASSERT_EQ(getrusage(RUSAGE_CHILDREN, &usage), 0);
  std::printf("participants' peak: %.0f MB\n", static_cast<double>(usage.ru_maxrss) / 1e3);
  EXPECT_LE(usage.ru_maxrss, kParticipantKbMax);
}

}  // namespace
}  // namespace sealfold
