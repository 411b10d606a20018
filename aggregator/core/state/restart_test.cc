// Aggregators that go and come: what one leaves with the host, another takes up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "aggregator/core/round/aggregator.h"
#include "aggregator/core/testing/sample_host.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/identity.h"
#include "protocol/message/state_message.h"
#include "protocol/record/record.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleRun;
using testing::SampleSender;
using testing::SeedOf;
using testing::TypeOf;

// The blob of a key is its number.
Secret KeyOf(const Bytes& blob) { return SeedOf("state key", blob.at(0)); }

// What a key service gives, whose next key has the number `fresh`.
StateKey AnswerOf(uint8_t fresh, const Bytes& asked) {
  return {.key = KeyOf({fresh}), .blob = {fresh}, .opens = asked.empty() ? Secret() : KeyOf(asked)};
}

// An aggregator with a host, participants and a key service that answer at once.
class Machine {
 public:
  Machine(const SampleRun& run, uint8_t seed) : run_(run), seed_(seed) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  void Start(uint64_t round, const std::optional<Bytes>& previous,
             const std::optional<Bytes>& state, uint64_t attempt = 1) {
    if (state.has_value()) Say("", Encode(HaveState{}, *state));
    Say("", Encode(StartRound{.plan = run_.signed_plan.bytes,
                              .round = Round(round),
                              .attempt = Attempt(attempt),
                              .previous = previous}));
  }
  // Uploads without the base model's key; the code of a begin that is refused, or "".
  std::string Upload(size_t party) {
    Say("s", Encode(Hello{.plan = run_.signed_plan.digest,
                          .participant = run_.parties[party].key.public_key(),
                          .nonce = {}}));
    if (TypeOf(told_.back()) == RefusedMessage::kType) {
      return As<RefusedMessage>(told_.back()).code;
    }
    const Offer offer = As<Offer>(told_.back());
    SampleSender sender(run_, party, offer, run_.MakeUpdate(party), {});
    Say("s", sender.begin());
    if (TypeOf(told_.back()) == RefusedMessage::kType) {
      return As<RefusedMessage>(told_.back()).code;
    }
    for (uint64_t i = 0; i < sender.chunk_count(); ++i) Say("s", sender.chunk(i));
    while (aggregator_.round() != nullptr && aggregator_.round()->folding() > 0) {
      now_ms_ = std::max(now_ms_, aggregator_.next_tick_ms());
      Actions actions;
      aggregator_.OnTick(now_ms_, actions);
      Do(std::move(actions));
    }
    return "";
  }
  void UploadAll() {
    for (size_t party = 0; party < 3; ++party) EXPECT_EQ(Upload(party), "");
  }

  absl::StatusOr<Bytes> key_answer = Bytes();  // an error: the service refuses
  std::optional<uint64_t> late_token;          // where it does not answer yet
  bool answers_late = false;
  void AnswerLate(const Bytes& blob) {
    Actions actions;
    aggregator_.OnStateKey(*late_token, AnswerOf(seed_, blob), now_ms_, draw_seed_, actions);
    Do(std::move(actions));
  }

  // Whose claim the offers of the round have, and the record.
  std::optional<SigningPublicKey> OfferedIdentity() {
    Say("s", Encode(Hello{.plan = run_.signed_plan.digest,
                          .participant = run_.parties[0].key.public_key(),
                          .nonce = {}}));
    const Offer offer = As<Offer>(told_.back());
    if (!offer.identity.has_value()) return std::nullopt;
    return *OpenIdentity(*offer.identity, offer.binding);
  }
  std::optional<SigningPublicKey> RecordedIdentity() const {
    return CheckRecordFile(*record)->identity;
  }

  std::vector<AskStateKey> asked;
  std::map<uint64_t, Bytes> states;  // kept, by round
  std::vector<std::string> closed;   // codes
  std::vector<std::string> to_host;  // types
  Bytes base_file;                   // empty: the run's
  Bytes model_file;
  std::optional<RecordFile> record;

 private:
  void Say(absl::string_view session, const Message& message) {
    Actions actions;
    aggregator_.OnMessage(ToBytes(AsBytes(session)), message, now_ms_, draw_seed_, actions);
    Do(std::move(actions));
  }

  void Do(Actions actions) {
    while (true) {
      Actions more;
      for (Action& action : actions) {
        if (const auto* evidence = std::get_if<AskEvidence>(&action)) {
          aggregator_.OnEvidence(evidence->token, testing::SampleEvidence(*evidence), now_ms_,
                                 more);
        } else {
          Hear(std::get<SendMessage>(action), more);
        }
      }
      if (const std::optional<AskStateKey> ask = aggregator_.TakeKeyQuestion()) Answer(*ask, more);
      if (more.empty()) return;
      actions = std::move(more);
    }
  }
  void Answer(const AskStateKey& ask, Actions& more) {
    asked.push_back(ask);
    if (answers_late) {
      late_token = ask.token;
      return;
    }
    absl::StatusOr<StateKey> key = AnswerOf(seed_, ask.blob);
    if (!key_answer.ok()) key = key_answer.status();
    aggregator_.OnStateKey(ask.token, std::move(key), now_ms_, draw_seed_, more);
  }
  void Hear(const SendMessage& send, Actions& more) {
    if (!send.session.empty()) {
      told_.push_back(send.message);
      return;
    }
    const std::string type = TypeOf(send.message);
    to_host.push_back(type);
    if (type == WantBase::kType) {
      const WantBase want = As<WantBase>(send.message);
      const ByteSpan file = base_file.empty() ? ByteSpan(run_.base_model) : ByteSpan(base_file);
      aggregator_.OnMessage(
          {}, Encode(Base{.offset = want.offset}, ToBytes(file.subspan(want.offset, want.length))),
          now_ms_, draw_seed_, more);
    } else if (type == ModelPart::kType) {
      Append(model_file, send.message.bulk);
    } else if (type == Finished::kType) {
      record = *DecodeRecordFile(send.message.bulk);
    } else if (type == KeepState::kType) {
      states[As<KeepState>(send.message).round] = ToBytes(send.message.bulk);
    } else if (type == StateClosed::kType) {
      closed.push_back(As<StateClosed>(send.message).code);
    }
  }

  const SampleRun& run_;
  const uint8_t seed_;
  const std::function<Secret()> draw_seed_ = [this] { return SeedOf("seed", seed_); };
  Aggregator aggregator_{"1.2.3", "test", {}, /*keeps_state=*/true};
  uint64_t now_ms_ = 0;
  std::vector<Message> told_;
};

class RestartTest : public ::testing::Test {
 protected:
  RestartTest() {
    run.plan.delivery = Delivery::kSealed;
    run.Sign();
    first.Start(1, {}, {});
    first.UploadAll();
    SEALFOLD_CHECK(first.record.has_value());
  }
  void Begin(Machine& second, const std::optional<Bytes>& state) {
    second.base_file = first.model_file;
    second.Start(2, first.record->record, state);
  }

  SampleRun run = SampleRun::Make();
  Machine first{run, 1};
};

TEST_F(RestartTest, TheNextAggregatorOpensTheModel) {
  EXPECT_TRUE(first.asked.at(0).blob.empty());
  EXPECT_TRUE(first.states.contains(0));  // the key's blob is kept from the start
  // The state is with the host before the record is.
  ASSERT_GE(first.to_host.size(), 2u);
  EXPECT_THAT(first.to_host, ::testing::Contains("keep-state").Times(2));
  EXPECT_EQ(first.to_host.back(), "finished");
  EXPECT_EQ(first.to_host[first.to_host.size() - 2], "keep-state");

  Machine second(run, 2);
  Begin(second, first.states.at(1));
  EXPECT_EQ(second.asked.at(0).blob, Bytes{1});
  EXPECT_EQ(second.asked.at(0).plan, run.signed_plan.digest);
  second.UploadAll();
  ASSERT_TRUE(second.record.has_value());
  const CheckedRecord before = *CheckRecordFile(*first.record);
  EXPECT_TRUE(CheckRecordChain(&before, *CheckRecordFile(*second.record)).ok());
  EXPECT_TRUE(second.states.contains(2));
  EXPECT_EQ(DecodeSealedState(second.states.at(2))->header.blob, Bytes{2});  // a key of its own
  EXPECT_EQ(before.identity, SigningKey::FromSeed(IdentitySeed(KeyOf({1}).span())).public_key());
  EXPECT_EQ(second.RecordedIdentity(), before.identity);
}

TEST_F(RestartTest, AnOfferAndItsRecordHaveOneIdentity) {
  Machine second(run, 2);
  Begin(second, first.states.at(1));
  const std::optional<SigningPublicKey> offered = second.OfferedIdentity();
  EXPECT_EQ(offered, first.RecordedIdentity());
  second.UploadAll();
  EXPECT_EQ(second.RecordedIdentity(), offered);
}

TEST_F(RestartTest, WithoutTheKeyItHasNoIdentityOrAnother) {
  Machine anew(run, 2);
  Begin(anew, {});
  EXPECT_EQ(anew.OfferedIdentity(),
            SigningKey::FromSeed(IdentitySeed(KeyOf({2}).span())).public_key());
  EXPECT_NE(anew.OfferedIdentity(), first.RecordedIdentity());

  Machine refused(run, 3);
  refused.key_answer = Refused({.code = "key_refused", .what = "key"});
  Begin(refused, first.states.at(1));
  EXPECT_EQ(refused.OfferedIdentity(), std::nullopt);
  Machine rolled_back(run, 4);
  Begin(rolled_back, first.states.at(0));
  EXPECT_EQ(rolled_back.OfferedIdentity(), first.RecordedIdentity());
  // The key opens nothing of a state that was tampered with, and gives no identity either.
  Bytes damaged = first.states.at(1);
  damaged.back() ^= 1;
  Machine tampered(run, 5);
  Begin(tampered, damaged);
  EXPECT_EQ(tampered.OfferedIdentity(), std::nullopt);
}

// A host that may have the service encrypt a key of its choice can make a state that opens.
TEST_F(RestartTest, AKeyThatTheHostChoseSealsNothing) {
  const StateHeader real = DecodeSealedState(first.states.at(1))->header;
  const Secret seed = IdentitySeed(KeyOf({9}).span());
  StateHeader forged = real;
  forged.model_key_commitment.reset();
  forged.identity = SigningKey::FromSeed(seed).public_key();
  forged.blob = {9};
  const Bytes state = SealState(forged, KeyOf({9}).span(),
                                {.identity_seed = Secret::CopyOf(seed.span()), .model_key = {}});

  StateKeeper keeper;
  Actions actions;
  StartRound start = run.FirstStart();
  start.round = Round(2);
  start.previous = first.record->record;
  const RoundTerms terms = *RoundTerms::Open(start);
  ASSERT_EQ((*keeper.OnStart(terms, state, 1))->blob, Bytes{9});
  const absl::StatusOr<Secret> model_key = keeper.OnKey(AnswerOf(2, {9}), actions);
  ASSERT_TRUE(model_key.ok()) << model_key.status();
  EXPECT_TRUE(model_key->empty());
  keeper.Keep(terms, Sha256(AsBytes("record")), SeedOf("model").span(), actions);
  ASSERT_EQ(actions.size(), 1u);
  const SealedState kept = *DecodeSealedState(std::get<SendMessage>(actions[0]).message.bulk);
  EXPECT_EQ(ErrorCode(OpenState(kept, KeyOf({9}).span()).status()), "seal_broken");
  EXPECT_TRUE(OpenState(kept, KeyOf({2}).span()).ok());
}

TEST_F(RestartTest, WithoutItsStateItCannot) {
  Machine second(run, 2);
  Begin(second, {});
  EXPECT_EQ(second.Upload(0), "model_key_missing");
}

TEST_F(RestartTest, AnOlderStateGivesItsIdentityAlone) {
  Machine second(run, 2);
  Begin(second, first.states.at(0));
  EXPECT_TRUE(second.closed.empty());
  EXPECT_EQ(second.asked.at(0).blob, Bytes{1});
  EXPECT_EQ(second.OfferedIdentity(), first.RecordedIdentity());
  EXPECT_EQ(second.Upload(0), "model_key_missing");
  EXPECT_TRUE(second.states.contains(1));
}

// The host has the state of before the round that went without one.
TEST_F(RestartTest, ARoundWithoutItsStateEndsNoIdentity) {
  SampleRun open = SampleRun::Make();
  Machine first_of_open(open, 1);
  first_of_open.Start(1, {}, {});
  first_of_open.UploadAll();
  Machine second(open, 2);
  second.key_answer = Refused({.code = "key_refused", .what = "key"});
  second.base_file = first_of_open.model_file;
  second.Start(2, first_of_open.record->record, first_of_open.states.at(1));
  second.UploadAll();
  EXPECT_THAT(second.closed, ::testing::ElementsAre("key_refused"));
  EXPECT_EQ(second.RecordedIdentity(), std::nullopt);
  EXPECT_TRUE(second.states.empty());
  // The key service is back: the same process, the newest state there is.
  second.key_answer = Bytes();
  second.base_file = std::exchange(second.model_file, {});
  second.Start(3, second.record->record, first_of_open.states.at(1));
  EXPECT_EQ(second.OfferedIdentity(), first_of_open.RecordedIdentity());
  second.UploadAll();
  EXPECT_EQ(second.RecordedIdentity(), first_of_open.RecordedIdentity());
  EXPECT_EQ(second.asked.size(), 2u);
  EXPECT_TRUE(second.states.contains(3));
}

TEST_F(RestartTest, AStateOfAnotherPlanGivesItsIdentityInAnyRound) {
  SampleRun other = SampleRun::Make();
  other.plan.delivery = Delivery::kSealed;
  other.plan.name = "another";
  other.Sign();
  Machine elsewhere(other, 3);
  elsewhere.Start(1, {}, {});
  elsewhere.UploadAll();
  Machine second(run, 2);
  Begin(second, elsewhere.states.at(1));
  EXPECT_TRUE(second.closed.empty());
  EXPECT_EQ(second.asked.at(0).blob_plan, other.signed_plan.digest);
  EXPECT_EQ(second.OfferedIdentity(), elsewhere.RecordedIdentity());
  EXPECT_EQ(second.Upload(0), "model_key_missing");
}

TEST_F(RestartTest, AStateThatIsTooLargeIsNotNone) {
  Machine second(run, 2);
  Begin(second, Bytes(kSealedStateBytesMax + 1));
  EXPECT_EQ(second.closed.size(), 1u);
  EXPECT_TRUE(second.asked.empty());
  EXPECT_TRUE(second.states.empty());
}

TEST_F(RestartTest, TheNextRunHasTheIdentityOfTheOneBefore) {
  SampleRun next = SampleRun::Make();
  next.plan.delivery = Delivery::kSealed;
  next.plan.name = "the study goes on";
  next.Sign();
  Machine second(next, 2);
  second.Start(1, {}, first.states.at(1));
  EXPECT_TRUE(second.closed.empty());
  EXPECT_EQ(second.asked.at(0).blob, Bytes{1});
  EXPECT_EQ(second.asked.at(0).plan, next.signed_plan.digest);
  EXPECT_EQ(second.asked.at(0).blob_plan, run.signed_plan.digest);
  second.UploadAll();
  ASSERT_TRUE(second.record.has_value());
  EXPECT_EQ(second.RecordedIdentity(), first.RecordedIdentity());
  // From then on its own states carry it.
  Machine third(next, 3);
  third.base_file = second.model_file;
  third.Start(2, second.record->record, second.states.at(1));
  third.UploadAll();
  EXPECT_EQ(third.RecordedIdentity(), first.RecordedIdentity());

  Machine refused(next, 4);
  refused.key_answer = Refused({.code = "key_refused", .what = "key"});
  refused.Start(1, {}, first.states.at(1));
  EXPECT_THAT(refused.closed, ::testing::ElementsAre("key_refused"));
  EXPECT_EQ(refused.OfferedIdentity(), std::nullopt);
  EXPECT_TRUE(refused.states.empty());
}

TEST_F(RestartTest, AStateThatDoesNotOpenIsNotReplaced) {
  Bytes damaged = first.states.at(1);
  damaged.back() ^= 1;
  Machine second(run, 2);
  second.key_answer = Refused({.code = "key_refused", .what = "key"});
  Begin(second, first.states.at(1));
  EXPECT_THAT(second.closed, ::testing::ElementsAre("key_refused"));
  EXPECT_TRUE(second.states.empty());
  EXPECT_EQ(second.Upload(0), "model_key_missing");
  // Another attempt asks again.
  second.key_answer = Bytes();
  second.Start(2, first.record->record, damaged, 2);
  EXPECT_EQ(second.closed.back(), "seal_broken");
  second.Start(2, first.record->record, first.states.at(1), 3);
  second.UploadAll();
  EXPECT_TRUE(second.record.has_value());
}

TEST_F(RestartTest, TheRoundStartsOnceTheKeyIsAnswered) {
  Machine second(run, 2);
  second.answers_late = true;
  Begin(second, first.states.at(1));
  EXPECT_EQ(second.Upload(0), "no_round");
  EXPECT_TRUE(second.to_host.empty());
  Begin(second, first.states.at(1));  // the same again
  EXPECT_EQ(second.asked.size(), 1u);
  second.AnswerLate({1});
  second.AnswerLate({1});  // nobody asked any more
  EXPECT_THAT(second.to_host, ::testing::ElementsAre("round"));
  second.UploadAll();
  EXPECT_TRUE(second.record.has_value());
}

TEST_F(RestartTest, AnotherStartTakesThePlaceOfOneThatWaits) {
  Machine second(run, 2);
  second.answers_late = true;
  Begin(second, first.states.at(1));
  const std::optional<uint64_t> before = second.late_token;
  second.Start(2, first.record->record, {}, 2);
  EXPECT_NE(second.late_token, before);
  second.Start(9, first.record->record, {}, 1);  // refused, and the one that waits still does
  second.AnswerLate({});
  EXPECT_THAT(second.to_host, ::testing::ElementsAre("refused", "keep-state", "round"));
}

TEST_F(RestartTest, InOneProcessNothingIsAskedTwice) {
  first.base_file = std::exchange(first.model_file, {});
  first.Start(2, first.record->record, first.states.at(1));
  first.UploadAll();
  EXPECT_EQ(first.asked.size(), 1u);
  EXPECT_TRUE(first.states.contains(2));
}

}  // namespace
}  // namespace sealfold
