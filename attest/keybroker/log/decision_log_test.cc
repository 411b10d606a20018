#include "attest/keybroker/log/decision_log.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class DecisionLogTest : public ::testing::Test {
 protected:
  DecisionLogTest() {
    absl::StatusOr<DecisionLog> log = DecisionLog::Open(path_);
    EXPECT_TRUE(log.ok()) << log.status();
    for (int i = 0; i < 4; ++i) {
      heads_.push_back(log->chain().head());
      EXPECT_TRUE(log->Append({.time_ms = 1'780'272'000'000,
                               .caller = absl::StrCat("caller-", i),
                               .operation = "Decrypt",
                               .key = "k",
                               .registers = {{0, "11"}},
                               .allowed = i % 2 == 0,
                               .reason = i % 2 == 0 ? "" : "evidence_registers"})
                      .ok());
    }
    heads_.push_back(log->chain().head());
    text_ = ReadFile(path_, 1 << 20).value();
    lines_ = absl::StrSplit(text_, '\n', absl::SkipEmpty());
  }
  // What verification says once these are the lines.
  std::string CodeOf(const std::vector<std::string>& lines,
                     const std::optional<Digest>& head = std::nullopt) {
    EXPECT_TRUE(WriteFileAtomic(path_, absl::StrCat(absl::StrJoin(lines, "\n"), "\n")).ok());
    return ErrorCode(VerifyDecisionLog(path_, head).status());
  }

  TempDir folder_;
  std::string path_ = folder_.Path("log");
  std::vector<Digest> heads_;  // before the first line, and after each
  std::string text_;
  std::vector<std::string> lines_;
};

TEST_F(DecisionLogTest, AWholeLogVerifiesAndGoesOn) {
  const absl::StatusOr<DecisionChain> chain = VerifyDecisionLog(path_, std::nullopt);
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(chain->size(), 4U);
  EXPECT_EQ(chain->head(), heads_.back());
  {
    absl::StatusOr<DecisionLog> log = DecisionLog::Open(path_);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(ErrorCode(DecisionLog::Open(path_).status()), "log_in_use");
    EXPECT_TRUE(log->Append({.operation = "GenerateRandom", .allowed = true}).ok());
  }
  EXPECT_EQ(VerifyDecisionLog(path_, std::nullopt)->size(), 5U);
}

TEST_F(DecisionLogTest, ALineSaysWhatWasDecided) {
  EXPECT_NE(lines_[1].find(R"("caller":"caller-1")"), std::string::npos) << lines_[1];
  EXPECT_NE(lines_[1].find(R"("verdict":"refused")"), std::string::npos);
  EXPECT_NE(lines_[1].find(R"("reason":"evidence_registers")"), std::string::npos);
  EXPECT_NE(lines_[1].find(R"("registers":{"pcr0":"11"})"), std::string::npos);
  EXPECT_NE(lines_[1].find(R"("time":"2026-06-01T00:00:00.000Z")"), std::string::npos);
  EXPECT_NE(lines_[0].find(R"("verdict":"allowed")"), std::string::npos);
}

TEST_F(DecisionLogTest, ChangedLinesAreFound) {
  EXPECT_EQ(CodeOf(lines_), "");
  for (size_t i = 0; i + 1 < lines_.size(); ++i) {
    std::vector<std::string> changed = lines_;
    changed[i].replace(changed[i].find("Decrypt"), 7, "Encrypt");
    EXPECT_EQ(CodeOf(changed), "log_broken") << i;
    std::vector<std::string> without = lines_;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(CodeOf(without), "log_broken") << i;
    std::vector<std::string> swapped = lines_;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_EQ(CodeOf(swapped), "log_broken") << i;
    std::vector<std::string> doubled = lines_;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), lines_[i]);
    EXPECT_EQ(CodeOf(doubled), "log_broken") << i;
  }
  std::vector<std::string> spaced = lines_;
  spaced.back().insert(1, " ");
  EXPECT_EQ(CodeOf(spaced), "log_broken");
  EXPECT_EQ(CodeOf({"{}"}), "log_broken");
  EXPECT_EQ(CodeOf({"", ""}), "log_broken");
  EXPECT_EQ(CodeOf({std::string(20000, 'x')}), "log_broken");
}

TEST_F(DecisionLogTest, ARememberedHeadFindsWhatWasCutOff) {
  for (const Digest& head : heads_) EXPECT_EQ(CodeOf(lines_, head), "");
  const std::vector<std::string> shorter(lines_.begin(), lines_.end() - 1);
  EXPECT_EQ(CodeOf(shorter), "");
  EXPECT_EQ(CodeOf(shorter, heads_.back()), "log_head_missing");
  EXPECT_EQ(CodeOf(shorter, heads_[2]), "");
}

TEST_F(DecisionLogTest, AnUnfinishedLastLineIsCutOffWhenTheBrokerStarts) {
  ASSERT_TRUE(WriteFileAtomic(path_, text_ + "{\"index\":4,\"prev").ok());
  EXPECT_EQ(ErrorCode(VerifyDecisionLog(path_, std::nullopt).status()), "log_unfinished");
  ASSERT_TRUE(DecisionLog::Open(path_).ok());
  EXPECT_EQ(ReadFile(path_, 1 << 20).value(), text_);
}

TEST_F(DecisionLogTest, ABrokenLogIsNotGoneOnWith) {
  text_[text_.find("caller-0")] = 'C';
  ASSERT_TRUE(WriteFileAtomic(path_, text_).ok());
  EXPECT_EQ(ErrorCode(DecisionLog::Open(path_).status()), "log_broken");
  EXPECT_EQ(ErrorCode(VerifyDecisionLog(folder_.Path("none"), std::nullopt).status()),
            "file_unusable");
}

}  // namespace
}  // namespace sealfold
