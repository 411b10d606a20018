#include "aggregator/core/hello/hello_batches.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

struct Given {
  Bytes session;
  absl::StatusOr<Bytes> document;
  std::optional<NoncePath> path;
};

uint32_t PartyOf(size_t i) { return static_cast<uint32_t>(i % 4096); }
Bytes SessionOf(size_t i) { return ToBytes(AsBytes(absl::StrCat("session ", i))); }
SessionNonce NonceOf(size_t i) {
  return *SessionNonce::From(Sha256(AsBytes(absl::StrCat("nonce ", i))).span());
}

class HelloBatchesTest : public ::testing::Test {
 protected:
  void Add(size_t first, size_t count) {
    for (size_t i = first; i < first + count; ++i) {
      ASSERT_TRUE(batches_.Add(PartyOf(i), SessionOf(i), NonceOf(i)).ok());
    }
  }
  std::string CodeOf(size_t i) {
    return ErrorCode(batches_.Add(PartyOf(i), SessionOf(i), NonceOf(i)));
  }
  std::vector<Given> Turn() {
    std::vector<Given> out;
    batches_.GiveAnswers([&](const Bytes& session, const absl::StatusOr<Bytes>& document,
                             std::optional<NoncePath> path) {
      out.push_back({session, document, std::move(path)});
    });
    return out;
  }

  const Digest binding_ = Sha256(AsBytes("binding"));
  HelloBatches batches_;
};

TEST_F(HelloBatchesTest, OneAloneIsAskedForAtOnceAsItIs) {
  EXPECT_FALSE(batches_.Ask(binding_).has_value());
  Add(0, 1);
  const auto question = batches_.Ask(binding_);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->nonce, ToBytes(NonceOf(0).span()));
  EXPECT_EQ(question->user_data, ToBytes(binding_.span()));
  EXPECT_FALSE(batches_.has_answers());
  batches_.OnDocument(Bytes{1, 2});
  const std::vector<Given> given = Turn();
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].session, SessionOf(0));
  EXPECT_EQ(*given[0].document, (Bytes{1, 2}));
  EXPECT_FALSE(given[0].path.has_value());
  EXPECT_FALSE(batches_.has_answers());
}

TEST_F(HelloBatchesTest, WhoComesWhileADocumentIsMadeSharesTheNext) {
  Add(0, 1);
  ASSERT_TRUE(batches_.Ask(binding_).has_value());
  Add(1, 5);
  EXPECT_FALSE(batches_.Ask(binding_).has_value());
  batches_.OnDocument(Bytes{1});
  const auto question = batches_.Ask(binding_);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(Turn().size(), 1U);
  Add(6, 2);  // for the one after
  batches_.OnDocument(Bytes{2});
  const std::vector<Given> given = Turn();
  ASSERT_EQ(given.size(), 5U);
  for (size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(given[i].session, SessionOf(i + 1));
    EXPECT_EQ(*given[i].document, (Bytes{2}));
    ASSERT_TRUE(given[i].path.has_value());
    EXPECT_TRUE(CheckNoncePath(NonceOf(i + 1), *given[i].path).ok());
    EXPECT_EQ(question->nonce, ToBytes(given[i].path->root.span()));
    const NonceBatch batch{.binding = binding_, .root = given[i].path->root, .size = 5};
    EXPECT_EQ(question->user_data, ToBytes(batch.digest().span()));
  }
}

TEST_F(HelloBatchesTest, AnswersAreGivenInTurns) {
  constexpr size_t kMany = 2 * HelloBatches::kAnswersPerTurn + 7;
  Add(0, kMany);
  ASSERT_TRUE(batches_.Ask(binding_).has_value());
  batches_.OnDocument(Bytes{1});
  size_t next = 0;
  for (const size_t expected :
       {HelloBatches::kAnswersPerTurn, HelloBatches::kAnswersPerTurn, size_t{7}}) {
    EXPECT_TRUE(batches_.has_answers());
    const std::vector<Given> given = Turn();
    ASSERT_EQ(given.size(), expected);
    for (const Given& each : given) EXPECT_EQ(each.session, SessionOf(next++));
  }
  EXPECT_FALSE(batches_.has_answers());
}

TEST_F(HelloBatchesTest, AFailureIsEverybodys) {
  Add(0, 3);
  ASSERT_TRUE(batches_.Ask(binding_).has_value());
  batches_.OnDocument(PeerError({.code = "attester_unavailable", .what = "device"}));
  const std::vector<Given> given = Turn();
  ASSERT_EQ(given.size(), 3U);
  for (const Given& each : given) {
    EXPECT_EQ(ErrorCode(each.document.status()), "attester_unavailable");
  }
}

TEST_F(HelloBatchesTest, IsBoundedAndTakesMoreOnceAnswered) {
  constexpr size_t kOther = 3 * kNonceBatchMax;
  Add(0, kNonceBatchMax);
  EXPECT_EQ(CodeOf(kOther), "busy");
  ASSERT_TRUE(batches_.Ask(binding_).has_value());
  Add(kNonceBatchMax, kNonceBatchMax);
  EXPECT_EQ(CodeOf(kOther), "busy");
  // The first have their document and not yet their answers; the second's is being made.
  batches_.OnDocument(Bytes{1});
  ASSERT_TRUE(batches_.Ask(binding_).has_value());
  EXPECT_EQ(CodeOf(kOther), "busy");
  EXPECT_EQ(Turn().size(), HelloBatches::kAnswersPerTurn);
  Add(2 * kNonceBatchMax, HelloBatches::kAnswersPerTurn);
  EXPECT_EQ(CodeOf(kOther), "busy");
}

TEST_F(HelloBatchesTest, ASessionThatSaysHelloAgainHasOnePlace) {
  Add(7, 1);
  for (size_t i = 0; i < 2 * kNonceBatchMax; ++i) {
    ASSERT_TRUE(batches_.Add(PartyOf(7), SessionOf(7), NonceOf(8)).ok()) << i;
  }
  const auto question = batches_.Ask(binding_);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->nonce, ToBytes(NonceOf(8).span()));
  // Its answer is on its way; for another nonce it needs another.
  ASSERT_TRUE(batches_.Add(PartyOf(7), SessionOf(7), NonceOf(8)).ok());
  batches_.OnDocument(Bytes{1});
  ASSERT_TRUE(batches_.Add(PartyOf(7), SessionOf(7), NonceOf(8)).ok());
  EXPECT_FALSE(batches_.Ask(binding_).has_value());
  ASSERT_TRUE(batches_.Add(PartyOf(7), SessionOf(7), NonceOf(9)).ok());
  EXPECT_TRUE(batches_.Ask(binding_).has_value());
  batches_.OnDocument(Bytes{2});
  EXPECT_EQ(Turn().size(), 2U);
  Add(7, 1);  // answered, so it is one more
  EXPECT_TRUE(batches_.Ask(binding_).has_value());
}

TEST_F(HelloBatchesTest, OneParticipantLeavesPlacesToTheOthers) {
  for (size_t i = 0; i < HelloBatches::kParticipantMax; ++i) {
    ASSERT_TRUE(batches_.Add(1, SessionOf(i), NonceOf(i)).ok());
    if (i == 0) {
      ASSERT_TRUE(batches_.Ask(binding_).has_value());  // in whatever stage
    }
  }
  const size_t more = HelloBatches::kParticipantMax;
  EXPECT_EQ(ErrorCode(batches_.Add(1, SessionOf(more), NonceOf(more))), "busy");
  EXPECT_TRUE(batches_.Add(1, SessionOf(1), NonceOf(more)).ok());
  EXPECT_TRUE(batches_.Add(2, SessionOf(more), NonceOf(more)).ok());
  batches_.OnDocument(Bytes{1});
  EXPECT_EQ(Turn().size(), 1U);
  EXPECT_TRUE(batches_.Add(1, SessionOf(more), NonceOf(more)).ok());
  EXPECT_EQ(ErrorCode(batches_.Add(1, SessionOf(0), NonceOf(0))), "busy");
}

}  // namespace
}  // namespace sealfold
