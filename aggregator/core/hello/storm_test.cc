// More hellos than a platform makes documents, through a whole round's machine.
#include <gtest/gtest.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::As;
using testing::SampleHost;
using testing::SampleRun;
using testing::TypeOf;

// The platform's answers come when the test gives them.
class StormTest : public ::testing::Test {
 protected:
  void SayHello(size_t party) {
    Actions actions;
    round_->OnMessage(ToBytes(AsBytes(absl::StrCat("s", party))),
                      host_.HelloOf(party % run_.parties.size()), host_.now_ms, actions);
    Do(std::move(actions));
  }
  void Answer() {
    ASSERT_FALSE(asked_.empty());
    const AskEvidence ask = std::exchange(asked_, {}).front();
    Actions actions;
    round_->OnEvidence(ask.token, testing::SampleEvidence(ask), host_.now_ms, actions);
    Do(std::move(actions));
  }
  void Do(Actions actions) {
    for (Action& action : actions) {
      if (auto* ask = std::get_if<AskEvidence>(&action)) {
        asked_.push_back(std::move(*ask));
      } else if (auto& send = std::get<SendMessage>(action); !send.session.empty()) {
        sent_.push_back(std::move(send.message));
      }
    }
  }

  const SampleRun run_ = SampleRun::Make(/*parties=*/12);
  SampleHost host_{run_};
  RoundMachine* round_ = host_.round.get();
  std::vector<AskEvidence> asked_;
  std::vector<Message> sent_;
};

TEST_F(StormTest, OneDocumentAnswersAllThatCameMeanwhile) {
  SayHello(0);
  ASSERT_EQ(asked_.size(), 1U);
  for (size_t i = 1; i <= 600; ++i) SayHello(i);
  EXPECT_EQ(asked_.size(), 1U);
  Answer();
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_FALSE(As<Offer>(sent_[0]).batch.has_value());
  Answer();
  EXPECT_TRUE(asked_.empty());
  // The rest of the answers come by ticks that are due at once.
  while (sent_.size() < 601) {
    ASSERT_EQ(round_->next_tick_ms(), host_.now_ms);
    const size_t before = sent_.size();
    Actions actions;
    round_->OnTick(host_.now_ms, actions);
    Do(std::move(actions));
    ASSERT_GT(sent_.size(), before);
  }
  EXPECT_GT(round_->next_tick_ms(), host_.now_ms);
  for (size_t i = 1; i <= 600; ++i) {
    const Offer offer = As<Offer>(sent_[i]);
    ASSERT_TRUE(offer.batch.has_value());
    const SessionNonce nonce =
        *SessionNonce::From(testing::SeedOf("nonce", i % run_.parties.size()).span());
    EXPECT_TRUE(CheckNoncePath(nonce, *offer.batch).ok()) << i;
    const NonceBatch batch{
        .binding = offer.binding.digest(), .root = offer.batch->root, .size = 600};
    EXPECT_EQ(offer.evidence,
              testing::SampleEvidence({.nonce = ToBytes(batch.root.span()),
                                       .user_data = ToBytes(batch.digest().span()),
                                       .public_key = ToBytes(offer.hpke_key.span())}));
  }
}

TEST_F(StormTest, OneWhoSaysHelloAgainAndAgainKeepsNobodyOut) {
  const size_t parties = run_.parties.size();
  for (size_t i = 0; i < 10 * HelloBatches::kParticipantMax; ++i) SayHello(0);
  EXPECT_TRUE(sent_.empty());
  // From ever new sessions: until so many wait, then it is told to come again.
  for (size_t i = 1; i < HelloBatches::kParticipantMax; ++i) SayHello(i * parties);
  EXPECT_TRUE(sent_.empty());
  SayHello(HelloBatches::kParticipantMax * parties);
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(As<RefusedMessage>(sent_[0]).code, "busy");
  SayHello(1);
  EXPECT_EQ(sent_.size(), 1U);
  Answer();
  EXPECT_EQ(TypeOf(sent_.back()), "offer");
  Answer();
  EXPECT_EQ(sent_.size(), 1 + HelloBatches::kParticipantMax + 1);  // a refusal, and offers to all
}

}  // namespace
}  // namespace sealfold
