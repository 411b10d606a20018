// Which messages reach which round.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/core/round/aggregator.h"
#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleRun;
using testing::SeedOf;
using testing::TypeOf;

class AggregatorTest : public ::testing::Test {
 protected:
  std::vector<Message> Say(absl::string_view session, const Message& message) {
    Actions actions;
    aggregator.OnMessage(
        ToBytes(AsBytes(session)), message, now_ms, [this] { return SeedOf("seed", ++seeds); },
        actions);
    std::vector<Message> out;
    for (Action& action : actions) {
      if (auto* send = std::get_if<SendMessage>(&action)) {
        EXPECT_TRUE(send->session.empty() || AsText(send->session) == session);
        if (AsText(send->session) == session) out.push_back(std::move(send->message));
      } else {
        asked.push_back(std::get<AskEvidence>(action));
      }
    }
    return out;
  }
  std::vector<std::string> TypesOf(const std::vector<Message>& messages) {
    std::vector<std::string> out;
    for (const Message& m : messages) {
      const std::string type = TypeOf(m);
      out.push_back(type == RefusedMessage::kType ? As<RefusedMessage>(m).code : type);
    }
    return out;
  }
  Message Hello0() const {
    return Encode(Hello{.plan = run.signed_plan.digest,
                        .participant = run.parties[0].key.public_key(),
                        .nonce = {}});
  }

  SampleRun run = SampleRun::Make();
  Aggregator aggregator{"1.2.3", "test"};
  uint64_t now_ms = 0;
  uint64_t seeds = 0;
  std::vector<AskEvidence> asked;
};

TEST_F(AggregatorTest, SaysWhatItIsDoing) {
  Ready ready = As<Ready>(Say("", Encode(Inspect{})).at(0));
  EXPECT_EQ(ready.version, "1.2.3");
  EXPECT_EQ(ready.plan, std::nullopt);
  EXPECT_THAT(TypesOf(Say("", Encode(run.FirstStart()))), ::testing::ElementsAre("round"));
  const std::vector<Message> told = Say("", Encode(Inspect{}));
  EXPECT_THAT(TypesOf(told), ::testing::ElementsAre("ready", "round"));
  ready = As<Ready>(told[0]);
  EXPECT_EQ(ready.plan, run.signed_plan.digest);
  EXPECT_EQ(ready.round, 1u);
  EXPECT_EQ(ready.attempt, 1u);
}

TEST_F(AggregatorTest, WithoutARoundNothingIsTaken) {
  EXPECT_THAT(TypesOf(Say("s", Hello0())), ::testing::ElementsAre("no_round"));
  EXPECT_THAT(TypesOf(Say("", Encode(CloseRound{}))), ::testing::ElementsAre("no_round"));
  // What a round that ended meanwhile asked for.
  EXPECT_THAT(TypesOf(Say("", Encode(Base{}))), ::testing::IsEmpty());
  EXPECT_EQ(aggregator.next_tick_ms(), UINT64_MAX);
}

TEST_F(AggregatorTest, TheSameStartAgainChangesNothing) {
  Say("", Encode(run.FirstStart()));
  const RoundMachine* round = aggregator.round();
  EXPECT_THAT(TypesOf(Say("", Encode(run.FirstStart()))), ::testing::ElementsAre("ready", "round"));
  EXPECT_EQ(aggregator.round(), round);
  EXPECT_EQ(seeds, 1u);
}

TEST_F(AggregatorTest, AnotherAttemptReplacesTheOneUnderWay) {
  Say("", Encode(run.FirstStart()));
  const std::vector<Message> told = Say("", Encode(run.FirstStart(2)));
  EXPECT_THAT(TypesOf(told), ::testing::ElementsAre("failed", "round"));
  EXPECT_EQ(As<Failed>(told[0]).code, "replaced");
  EXPECT_EQ(As<Failed>(told[0]).attempt, Attempt(1));
  EXPECT_EQ(aggregator.round()->terms().attempt, Attempt(2));
}

TEST_F(AggregatorTest, ARefusedStartLeavesTheRoundAlone) {
  Say("", Encode(run.FirstStart()));
  EXPECT_THAT(TypesOf(Say("", Encode(run.FirstStart(100)))),
              ::testing::ElementsAre("attempt_out_of_plan"));
  EXPECT_EQ(aggregator.round()->terms().attempt, Attempt(1));
}

TEST_F(AggregatorTest, EvidenceForAnEarlierRoundIsNotUsed) {
  Say("", Encode(run.FirstStart()));
  Say("s", Hello0());
  Say("", Encode(run.FirstStart(2)));
  Say("t", Hello0());
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_NE(asked[0].token, asked[1].token);
  Actions actions;
  aggregator.OnEvidence(asked[0].token, Bytes{1}, now_ms, actions);
  EXPECT_TRUE(actions.empty());
  aggregator.OnEvidence(asked[1].token, Bytes{1}, now_ms, actions);
  EXPECT_EQ(actions.size(), 1u);
}

TEST_F(AggregatorTest, AParticipantIsNotTheHost) {
  for (const Message& message :
       {Encode(run.FirstStart()), Encode(CloseRound{}), Encode(Inspect{}), Encode(Base{})}) {
    EXPECT_THAT(TypesOf(Say("s", message)), ::testing::ElementsAre("no_round"));
  }
  Say("", Encode(run.FirstStart()));
  for (const Message& message :
       {Encode(run.FirstStart(2)), Encode(CloseRound{}), Encode(Inspect{}), Encode(Base{})}) {
    EXPECT_EQ(TypesOf(Say("s", message)).at(0), "message_unexpected");
  }
  EXPECT_THAT(TypesOf(Say("", Hello0())), ::testing::ElementsAre("message_unexpected"));
}

TEST_F(AggregatorTest, AfterTheDeadlineThereIsNoRound) {
  Say("", Encode(run.FirstStart()));
  EXPECT_EQ(aggregator.next_tick_ms(), 600'000u);
  Actions actions;
  aggregator.OnTick(600'000, actions);
  EXPECT_EQ(TypeOf(std::get<SendMessage>(actions.at(0)).message), "failed");
  EXPECT_EQ(aggregator.round(), nullptr);
  EXPECT_THAT(TypesOf(Say("s", Hello0())), ::testing::ElementsAre("no_round"));
}

}  // namespace
}  // namespace sealfold
