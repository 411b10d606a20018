#include "aggregator/core/state/state_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

using testing::SampleRun;
using testing::SeedOf;

Secret KeyOf(uint8_t blob) { return SeedOf("state key", blob); }

StateKey AnswerOf(uint8_t fresh, std::optional<uint8_t> opened = {}) {
  return {.key = KeyOf(fresh),
          .blob = {fresh},
          .opens = opened.has_value() ? KeyOf(*opened) : Secret()};
}

class StateKeeperTest : public ::testing::Test {
 protected:
  StateKeeperTest() {
    other.plan.name = "another";
    other.Sign();
  }
  static RoundTerms FirstRoundOf(const SampleRun& of) { return *RoundTerms::Open(of.FirstStart()); }
  // What an aggregator of `of` left after a round, sealed with key 7.
  Bytes StateOf(const SampleRun& of, uint64_t round, absl::string_view record) const {
    return SealState({.plan = of.signed_plan.digest,
                      .round = round,
                      .record = Sha256(AsBytes(record)),
                      .model_key_commitment = ModelKeyCommitment(model_key.span()),
                      .identity = SigningKey::FromSeed(seed).public_key(),
                      .blob = {7}},
                     KeyOf(7).span(),
                     {.identity_seed = Secret::CopyOf(seed.span()),
                      .model_key = Secret::CopyOf(model_key.span())});
  }
  Bytes StateOfTheOtherPlan() const { return StateOf(other, 3, "its record"); }

  SampleRun run = SampleRun::Make();
  SampleRun other = SampleRun::Make();
  Secret seed = SeedOf("an identity");
  Secret model_key = SeedOf("model key");
  StateKeeper keeper;
  Actions actions;
};

TEST_F(StateKeeperTest, AnIdentityIsHeldForOnePlan) {
  EXPECT_EQ(keeper.identity(run.signed_plan.digest), nullptr);
  ASSERT_TRUE(keeper.OnStart(FirstRoundOf(run), {}, 1)->has_value());
  ASSERT_TRUE(keeper.OnKey(AnswerOf(1), actions).ok());
  EXPECT_NE(keeper.identity(run.signed_plan.digest), nullptr);
  EXPECT_EQ(keeper.identity(other.signed_plan.digest), nullptr);
}

TEST_F(StateKeeperTest, KeysOfTheWrongSizesAreNone) {
  for (const bool opens_unasked : {false, true}) {
    ASSERT_TRUE(keeper.OnStart(FirstRoundOf(run), {}, 1)->has_value());
    StateKey answer =
        AnswerOf(1, opens_unasked ? std::optional<uint8_t>(2) : std::optional<uint8_t>());
    if (!opens_unasked) answer.key = Secret(kStateKeySize - 1);
    EXPECT_EQ(ErrorCode(keeper.OnKey(std::move(answer), actions).status()), "state_key_size");
    EXPECT_TRUE(actions.empty());
  }
}

// Nothing but who it is comes over from another plan's state, whichever round that was of.
TEST_F(StateKeeperTest, AStateOfAnotherPlanGivesItsIdentityAlone) {
  const RoundTerms terms = FirstRoundOf(run);
  const AskStateKey ask = **keeper.OnStart(terms, StateOfTheOtherPlan(), 5);
  EXPECT_EQ(ask.token, 5u);
  EXPECT_EQ(ask.plan, run.signed_plan.digest);
  EXPECT_EQ(ask.blob, Bytes{7});
  EXPECT_EQ(ask.blob_plan, other.signed_plan.digest);
  EXPECT_EQ(keeper.identity(run.signed_plan.digest), nullptr);

  const absl::StatusOr<Secret> opened = keeper.OnKey(AnswerOf(1, 7), actions);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(opened->empty());
  ASSERT_NE(keeper.identity(run.signed_plan.digest), nullptr);
  EXPECT_EQ(keeper.identity(run.signed_plan.digest)->public_key(),
            SigningKey::FromSeed(seed).public_key());
  EXPECT_EQ(keeper.identity(other.signed_plan.digest), nullptr);

  // The plan's own first state, under a key of its own.
  ASSERT_EQ(actions.size(), 1u);
  const SealedState kept = *DecodeSealedState(std::get<SendMessage>(actions[0]).message.bulk);
  EXPECT_EQ(kept.header.plan, run.signed_plan.digest);
  EXPECT_EQ(kept.header.round, 0u);
  EXPECT_EQ(kept.header.record, std::nullopt);
  EXPECT_EQ(kept.header.model_key_commitment, std::nullopt);
  EXPECT_EQ(kept.header.blob, Bytes{1});
  EXPECT_EQ(ErrorCode(OpenState(kept, KeyOf(7).span()).status()), "seal_broken");
  const absl::StatusOr<StateContent> content = OpenState(kept, KeyOf(1).span());
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_TRUE(content->model_key.empty());
}

// A host may hand over what it likes that opens: who the aggregator is goes on, and no model key
// but that of the very round and record before.
TEST_F(StateKeeperTest, OnlyTheStateOfTheRoundBeforeGivesAModelKey) {
  RoundTerms terms = FirstRoundOf(run);
  terms.round = Round(4);
  terms.previous_record = Sha256(AsBytes("record 3"));
  const struct {
    std::string what;
    Bytes state;
    bool of_round_before;
  } cases[] = {{"of the round before", StateOf(run, 3, "record 3"), true},
               {"of an earlier round", StateOf(run, 2, "record 2"), false},
               {"of a later round", StateOf(run, 4, "record 4"), false},
               {"of another record", StateOf(run, 3, "another record 3"), false},
               {"of that record, another round", StateOf(run, 2, "record 3"), false},
               {"of another plan", StateOf(other, 3, "record 3"), false}};
  for (const auto& each : cases) {
    SCOPED_TRACE(each.what);
    StateKeeper fresh;
    Actions sent;
    const absl::StatusOr<std::optional<AskStateKey>> ask = fresh.OnStart(terms, each.state, 1);
    ASSERT_TRUE(ask.ok()) << ask.status();
    EXPECT_EQ((*ask)->blob, Bytes{7});
    const absl::StatusOr<Secret> opened = fresh.OnKey(AnswerOf(1, 7), sent);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_NE(fresh.identity(run.signed_plan.digest), nullptr);
    EXPECT_EQ(fresh.identity(run.signed_plan.digest)->public_key(),
              SigningKey::FromSeed(seed).public_key());
    if (each.of_round_before) {
      EXPECT_TRUE(std::ranges::equal(opened->span(), model_key.span()));
      EXPECT_TRUE(sent.empty());
      continue;
    }
    EXPECT_TRUE(opened->empty());
    // Kept at once as the state of the round before, so that the identity is lost no more.
    ASSERT_EQ(sent.size(), 1u);
    const SealedState kept = *DecodeSealedState(std::get<SendMessage>(sent[0]).message.bulk);
    EXPECT_EQ(kept.header.plan, run.signed_plan.digest);
    EXPECT_EQ(kept.header.round, 3u);
    EXPECT_EQ(kept.header.record, terms.previous_record);
    EXPECT_EQ(kept.header.model_key_commitment, std::nullopt);
    EXPECT_EQ(kept.header.identity, SigningKey::FromSeed(seed).public_key());
    EXPECT_EQ(kept.header.blob, Bytes{1});
  }
}

// Nor does one of an earlier round that stays closed make way for a fresh one.
TEST_F(StateKeeperTest, AnOlderStateThatDoesNotOpenIsNotReplaced) {
  RoundTerms terms = FirstRoundOf(run);
  terms.round = Round(4);
  terms.previous_record = Sha256(AsBytes("record 3"));
  const Bytes state = StateOf(run, 1, "record 1");
  ASSERT_TRUE(keeper.OnStart(terms, state, 1)->has_value());
  EXPECT_EQ(
      ErrorCode(keeper.OnKey(Refused({.code = "key_refused", .what = "key"}), actions).status()),
      "key_refused");
  ASSERT_TRUE(keeper.OnStart(terms, state, 2)->has_value());
  EXPECT_EQ(ErrorCode(keeper.OnKey(AnswerOf(1), actions).status()), "state_key_size");
  EXPECT_TRUE(actions.empty());
  EXPECT_EQ(keeper.identity(run.signed_plan.digest), nullptr);
}

TEST_F(StateKeeperTest, AnotherPlansStateThatDoesNotOpenGivesNothing) {
  const Bytes state = StateOfTheOtherPlan();
  Bytes damaged = state;
  damaged.back() ^= 1;
  Bytes cut = state;
  cut.pop_back();
  const RoundTerms terms = FirstRoundOf(run);
  ASSERT_TRUE(keeper.OnStart(terms, damaged, 1)->has_value());
  EXPECT_EQ(ErrorCode(keeper.OnKey(AnswerOf(1, 7), actions).status()), "seal_broken");
  ASSERT_TRUE(keeper.OnStart(terms, state, 1)->has_value());
  EXPECT_EQ(ErrorCode(keeper.OnKey(AnswerOf(1, 8), actions).status()), "seal_broken");
  // Without the key that opens it, a new identity must not take its place.
  ASSERT_TRUE(keeper.OnStart(terms, state, 1)->has_value());
  EXPECT_EQ(ErrorCode(keeper.OnKey(AnswerOf(1), actions).status()), "state_key_size");
  EXPECT_FALSE(keeper.OnStart(terms, cut, 1).ok());
  EXPECT_TRUE(actions.empty());
  EXPECT_EQ(keeper.identity(run.signed_plan.digest), nullptr);
}

}  // namespace
}  // namespace sealfold
