// Each piece of bad evidence is refused with its own error, in bounded memory: the corpus as it
// stands, and as it is made anew.
#include "tests/bad_evidence/bad_evidence.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/testing/sanitized.h"
#include "protocol/testing/temp_dir.h"
#include "tests/bad_evidence/index.h"

namespace sealfold {
namespace {

const std::string kCorpus = SEALFOLD_FUZZ_CORPUS;
const std::string kIndex = SEALFOLD_BAD_EVIDENCE_INDEX;
constexpr rlim_t kMemoryBytes = 8 << 20;  // more than before: for the largest of them

using Make = BadEvidence (*)();

class BadEvidenceTest : public ::testing::TestWithParam<Make> {
 protected:
  static void ExpectRefused(const BadEvidence& bad) {
    EXPECT_EQ(WhyRefused(bad.good, bad.policy), "") << bad.fuzz_target;
    EXPECT_GT(bad.cases.size(), 50U);
    for (const BadCase& each : bad.cases) {
      const std::string why = WhyRefused(each.evidence, bad.policy);
      EXPECT_TRUE(MatchesError(why, each.error))
          << bad.fuzz_target << " " << each.name << "\n  expected " << each.error << "\n  found "
          << why;
      EXPECT_NE(each.error, "") << each.name;
    }
  }
  static BadEvidence Committed(const std::string& target) {
    absl::StatusOr<BadEvidence> read = ReadBadEvidence(target, kCorpus, kIndex);
    EXPECT_TRUE(read.ok()) << read.status();
    return *std::move(read);
  }
  const BadEvidence made_ = GetParam()();
};

TEST_P(BadEvidenceTest, WhatIsMadeAnewIsRefused) { ExpectRefused(made_); }

TEST_P(BadEvidenceTest, TheCorpusIsRefused) { ExpectRefused(Committed(made_.fuzz_target)); }

// Whoever adds a case makes the corpus again: tests/bad_evidence/README.md.
TEST_P(BadEvidenceTest, TheCorpusIsWhatIsMade) {
  const BadEvidence committed = Committed(made_.fuzz_target);
  std::map<std::string, std::string> expected;
  std::map<std::string, std::string> found;
  for (const BadCase& each : made_.cases) expected[each.name] = each.error;
  for (const BadCase& each : committed.cases) found[each.name] = each.error;
  EXPECT_EQ(expected, found);
  std::set<std::string> files;
  uint64_t size_bytes = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(absl::StrCat(kCorpus, "/", made_.fuzz_target))) {
    const std::string name = file.path().filename();
    size_bytes += file.file_size();
    if (absl::StartsWith(name, "bad-")) files.insert(name);
  }
  EXPECT_EQ(files.size(), committed.cases.size()) << "files that no case is of";
  EXPECT_LT(size_bytes, 300U << 10) << "seeds are to be small";
}

TEST_P(BadEvidenceTest, WhatIsWrittenIsRead) {
  const TempDir folder;
  ASSERT_TRUE(WriteBadEvidence(made_, folder.Path("corpus"), folder.Path("index")).ok());
  const absl::StatusOr<BadEvidence> read =
      ReadBadEvidence(made_.fuzz_target, folder.Path("corpus"), folder.Path("index"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->good, made_.good);
  ASSERT_EQ(read->cases.size(), made_.cases.size());
  for (size_t i = 0; i < made_.cases.size(); ++i) {
    EXPECT_EQ(read->cases[i].evidence, made_.cases[i].evidence);
  }
  ExpectRefused(*read);
}

// Who reads an error knows which defect it is: what is expected of one is said of no other, unless
// they are the same.
TEST_P(BadEvidenceTest, DistinctDefectsHaveDistinctErrors) {
  std::map<std::string, std::string> defects;  // of each case, by the first that has it
  for (const BadCase& each : made_.cases) {
    const auto first = defects.find(each.same_as);
    EXPECT_EQ(first == defects.end(), each.same_as.empty()) << each.name;
    defects[each.name] = first == defects.end() ? each.name : first->second;
  }
  for (const BadCase& each : made_.cases) {
    const std::string why = WhyRefused(each.evidence, made_.policy);
    for (const BadCase& other : made_.cases) {
      if (defects[other.name] == defects[each.name]) continue;
      EXPECT_FALSE(MatchesError(why, other.error))
          << each.name << " is told as " << other.name << " is: " << why;
    }
  }
}

TEST(MatchesErrorTest, AStarStandsForAnyText) {
  EXPECT_TRUE(MatchesError("at byte 12, found x", "at byte *, found x"));
  EXPECT_TRUE(MatchesError("ab", "ab"));
  EXPECT_TRUE(MatchesError("a12b3c", "a*b*c"));
  EXPECT_FALSE(MatchesError("abc", "ab"));
  EXPECT_FALSE(MatchesError("ab", "abc"));
  EXPECT_FALSE(MatchesError("at byte 12, found y", "at byte *, found x"));
  EXPECT_FALSE(MatchesError("a", "a*a")) << "what is before and after does not overlap";
  EXPECT_FALSE(MatchesError("a1c2b", "a*b*c"));
}

uint64_t AddressSpaceBytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t pages = 0;
  statm >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// In a process of its own, which has little memory: more than that ends it.
void RefuseAllInLittleMemory(const BadEvidence& bad) {
  const rlim_t limit = AddressSpaceBytes() + kMemoryBytes;
  const rlimit memory = {limit, limit};
  if (setrlimit(RLIMIT_AS, &memory) != 0) std::exit(2);
  for (const BadCase& each : bad.cases) {
    if (WhyRefused(each.evidence, bad.policy).empty()) std::exit(3);
  }
  std::exit(0);
}

TEST_P(BadEvidenceTest, RefusingTakesLittleMemory) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's memory is its own";
  EXPECT_EXIT(RefuseAllInLittleMemory(made_), ::testing::ExitedWithCode(0), "");
}

std::string NameOf(const ::testing::TestParamInfo<Make>& made) {
  constexpr const char* kNames[] = {"Nitro", "NitroTpm", "Tpm"};
  return kNames[made.index];
}

INSTANTIATE_TEST_SUITE_P(EveryPlatform, BadEvidenceTest,
                         ::testing::Values(MakeBadNitro, MakeBadNitroTpm, MakeBadTpm), NameOf);

}  // namespace
}  // namespace sealfold
