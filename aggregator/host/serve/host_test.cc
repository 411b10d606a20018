#include "aggregator/host/serve/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/host/testing/run_folder.h"

namespace sealfold {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::RunFolder;

Bytes Id(absl::string_view name) { return ToBytes(AsBytes(name)); }

std::string CodeOf(const Message& message) {
  absl::StatusOr<RefusedMessage> refused = cbor::DecodeFields<RefusedMessage>(message.head);
  return refused.ok() ? refused->code : "not refused";
}

class HostTest : public ::testing::Test {
 protected:
  template <class M>
  HostOutput Ask(const std::string& who, const M& message, SharedBytes bulk = {}) {
    HostOutput out;
    host_.OnParticipant(Id(who), ToMessage(message, std::move(bulk)), now_ms_, out);
    return out;
  }
  template <class M>
  HostOutput Control(const M& message) {
    HostOutput out;
    host_.OnControl(Id("ctl"), ToMessage(message), now_ms_, out);
    return out;
  }
  template <class M>
  HostOutput Tell(const std::string& connection, const std::string& session, const M& message) {
    HostOutput out;
    host_.OnAggregator(Id(connection), Id(session), ToMessage(message), now_ms_, out);
    return out;
  }
  HostOutput Probe(const std::string& connection) {
    HostOutput out;
    host_.OnAggregator(Id(connection), {}, {}, now_ms_, out);
    return out;
  }
  HostOutput Tick() {
    HostOutput out;
    host_.OnTick(now_ms_, out);
    return out;
  }
  // Launched, with aggregator "a" in round 1, attempt 1.
  void Begin() {
    Control(LaunchRequest{});
    Tell("a", "", Ready{.version = "1", .plan = {}});
    Tell("a", "", Ready{.version = "1", .plan = {}});
    Tell("a", "", State(0));
  }
  static RoundState State(uint64_t updates) {
    RoundState state = {
        .round = Round(1), .attempt = Attempt(1), .updates = updates, .committed = {}};
    for (uint64_t i = 0; i < updates; ++i) {
      state.committed.push_back(testing::ParticipantKey(static_cast<uint8_t>(i)).public_key());
    }
    return state;
  }
  static std::vector<std::string> Names(const std::vector<Routed>& routed) {
    std::vector<std::string> names;
    names.reserve(routed.size());
    for (const Routed& r : routed) names.emplace_back(AsText(r.peer));
    return names;
  }
  static std::vector<std::string> Types(const std::vector<Routed>& routed) {
    std::vector<std::string> types;
    types.reserve(routed.size());
    for (const Routed& r : routed) types.push_back(*cbor::PeekType(r.message.head));
    return types;
  }
  uint64_t Version() const { return host_.view().run.version; }

  RunFolder folder_;
  std::unique_ptr<RunStore> store_ = folder_.Open();
  Host host_{*store_, 500};
  uint64_t now_ms_ = 1'000'000;
};

TEST_F(HostTest, AStatusIsAnsweredAtOnceWhenTheVersionHasPassed) {
  HostOutput out = Ask("p", StatusRequest{.after = 0});
  ASSERT_THAT(Types(out.to_participants), ElementsAre("run"));
  const RunStatus status = *cbor::DecodeFields<RunStatus>(out.to_participants[0].message.head);
  EXPECT_EQ(status.version, 500u);
  EXPECT_EQ(status.plan, folder_.plan().digest);
  EXPECT_EQ(status.phase, RunPhase::kIdle);
}

TEST_F(HostTest, AStatusWaitsForAChangeOrForItsTime) {
  EXPECT_THAT(Ask("p", StatusRequest{.after = Version()}).to_participants, IsEmpty());
  EXPECT_THAT(Ask("q", StatusRequest{.after = Version() + 1000}).to_participants, IsEmpty());
  EXPECT_THAT(Tick().to_participants, IsEmpty());
  EXPECT_THAT(Names(Control(LaunchRequest{}).to_participants), ElementsAre("p"));
  now_ms_ += StatusWaiters::kWaitMs - 1;
  EXPECT_THAT(Tick().to_participants, IsEmpty());
  now_ms_ += 1;
  EXPECT_THAT(Names(Tick().to_participants), ElementsAre("q"));
  EXPECT_THAT(Tick().to_participants, IsEmpty());
}

TEST_F(HostTest, ASecondStatusRequestReplacesTheFirst) {
  Ask("p", StatusRequest{.after = Version()});
  Ask("p", StatusRequest{.after = Version()});
  EXPECT_THAT(Names(Control(LaunchRequest{}).to_participants), ElementsAre("p"));
}

TEST_F(HostTest, TooManyWaitersAreAnsweredOldestFirst) {
  for (size_t i = 0; i < StatusWaiters::kWaitersMax; ++i) {
    ASSERT_THAT(Ask(absl::StrCat("p", i), StatusRequest{.after = Version()}).to_participants,
                IsEmpty());
    if (i == 0) ++now_ms_;
  }
  EXPECT_THAT(Names(Ask("one more", StatusRequest{.after = Version()}).to_participants),
              ElementsAre("p0"));
}

TEST_F(HostTest, AttemptsWakeWhoWaitsButProgressDoesNot) {
  Begin();
  Ask("p", StatusRequest{.after = Version()});
  RoundState state = State(0);
  state.chunks = 7;
  EXPECT_THAT(Tell("a", "", state).to_participants, IsEmpty());
  EXPECT_THAT(
      Names(
          Tell("a", "", Failed{.round = Round(1), .attempt = Attempt(1), .code = "x", .reason = ""})
              .to_participants),
      ElementsAre("p"));
}

// Each participant waits from when its own update is committed. Were each commit told to all who
// wait, a round of n participants would cost n² messages.
TEST_F(HostTest, ARoundOfManyUpdatesIsToldToEachWaiterOnce) {
  constexpr uint64_t kParticipants = 200;
  Begin();
  size_t answers = 0;
  for (uint64_t i = 1; i <= kParticipants; ++i) {
    answers += Tell("a", "", State(i)).to_participants.size();
    answers += Ask(absl::StrCat("p", i), StatusRequest{.after = Version()}).to_participants.size();
    now_ms_ += 10;
    answers += Tick().to_participants.size();
  }
  EXPECT_EQ(answers, 0u);
  EXPECT_EQ(host_.view().run.updates, kParticipants) << "but whoever asks is told";
  answers += Tell("a", "", WantBase{.offset = 0, .length = 1}).to_participants.size();
  EXPECT_EQ(answers, kParticipants) << "publishing";
}

TEST_F(HostTest, PartsOfPublicFilesAreGivenByOffset) {
  HostOutput out = Ask("p", GetRequest{.what = FileKind::kModel, .round = 0, .offset = 10});
  ASSERT_THAT(Types(out.to_participants), ElementsAre("part"));
  const Part part = *cbor::DecodeFields<Part>(out.to_participants[0].message.head);
  const Bytes model = testing::ModelBytes(folder_.plan().plan, 0);
  EXPECT_EQ(part.offset, 10u);
  EXPECT_EQ(part.total, model.size());
  EXPECT_EQ(out.to_participants[0].message.bulk, Bytes(model.begin() + 10, model.end()));
  out = Ask("p", GetRequest{.what = FileKind::kPlan});
  EXPECT_EQ(out.to_participants[0].message.bulk, folder_.plan().bytes);
  out = Ask("p", GetRequest{.what = FileKind::kModel, .round = 0, .offset = model.size() + 1});
  EXPECT_EQ(CodeOf(out.to_participants.at(0).message), "offset_out_of_range");
  out = Ask("p", GetRequest{.what = FileKind::kModel, .round = 0, .offset = UINT64_MAX});
  EXPECT_EQ(CodeOf(out.to_participants.at(0).message), "offset_out_of_range");
  out = Ask("p", GetRequest{.what = FileKind::kRecord, .round = 1});
  EXPECT_EQ(CodeOf(out.to_participants.at(0).message), "not_published");
}

TEST_F(HostTest, WithoutAnAggregatorItsMessagesAreRefusedWithAdvice) {
  for (const HostOutput& out : {Ask("p", Hello{}), Ask("p", sealfold::Begin{.header = {}}),
                                Ask("p", Chunk{}), Ask("p", Query{})}) {
    EXPECT_THAT(out.to_aggregator, IsEmpty());
    ASSERT_EQ(out.to_participants.size(), 1u);
    EXPECT_EQ(CodeOf(out.to_participants[0].message), "aggregator_absent");
    EXPECT_FALSE(
        cbor::DecodeFields<RefusedMessage>(out.to_participants[0].message.head)->advice.empty());
  }
}

TEST_F(HostTest, MessagesAreRelayedAsTheyAreAndAnswersFindTheirWayBack) {
  Begin();
  const Message chunk = ToMessage(
      Chunk{.participant = testing::ParticipantKey(0).public_key(), .index = 4}, Bytes(100, 7));
  HostOutput out;
  host_.OnParticipant(Id("p"), chunk, now_ms_, out);
  ASSERT_THAT(Names(out.to_aggregator), ElementsAre("p"));
  EXPECT_EQ(out.to_aggregator[0].message.head, chunk.head);
  EXPECT_EQ(out.to_aggregator[0].message.bulk, chunk.bulk);
  EXPECT_THAT(out.to_participants, IsEmpty());
  out = Tell("a", "p", Progress{});
  EXPECT_THAT(Names(out.to_participants), ElementsAre("p"));
  EXPECT_THAT(out.to_aggregator, IsEmpty());
  out = {};
  host_.OnNotRelayed(Id("p"), out);
  EXPECT_EQ(CodeOf(out.to_participants.at(0).message), "aggregator_absent");
  out = {};
  host_.OnNotRelayed({}, out);
  EXPECT_THAT(out.to_participants, IsEmpty());
}

TEST_F(HostTest, ParticipantsReachNeitherControlNorTheHostsOwnMessages) {
  Begin();
  for (const Message& message :
       {ToMessage(LaunchRequest{}), ToMessage(CloseRequest{}), ToMessage(ViewRequest{}),
        ToMessage(CloseRound{}), ToMessage(Inspect{}),
        ToMessage(StartRound{.plan = {}, .round = {}, .attempt = {}, .previous = {}}),
        ToMessage(Base{}), ToMessage(Ready{.version = "", .plan = {}}),
        Message{.head = {0xff}, .bulk = {}}, Message{},
        Message{.head = Bytes(kMessageHeadBytesMax + 1), .bulk = {}}}) {
    HostOutput out;
    host_.OnParticipant(Id("p"), message, now_ms_, out);
    EXPECT_THAT(out.to_aggregator, IsEmpty());
    EXPECT_THAT(out.to_control, IsEmpty());
    ASSERT_EQ(out.to_participants.size(), 1u);
    EXPECT_NE(CodeOf(out.to_participants[0].message), "not refused");
  }
}

TEST_F(HostTest, TheNewestConnectionIsTheAggregator) {
  Begin();
  HostOutput out = Probe("b");
  EXPECT_THAT(Types(out.to_aggregator), ElementsAre("inspect"));
  EXPECT_EQ(host_.aggregator(), Id("b"));
  EXPECT_THAT(Probe("b").to_aggregator, IsEmpty());
  // What the old one still says is dropped: it does not come back this way.
  out = Tell("a", "", Failed{.round = Round(1), .attempt = Attempt(1), .code = "x", .reason = ""});
  EXPECT_THAT(out.to_aggregator, IsEmpty());
  EXPECT_THAT(Tell("a", "p", Progress{}).to_participants, IsEmpty());
  EXPECT_EQ(host_.aggregator(), Id("b"));
  out = Tell("b", "", Ready{.version = "1", .plan = {}});
  EXPECT_THAT(Types(out.to_aggregator), ElementsAre("start"));
  EXPECT_EQ(host_.view().run.attempt, 2u);
}

TEST_F(HostTest, AnAggregatorThatIsGoneShows) {
  Begin();
  EXPECT_TRUE(host_.view().run.aggregator);
  HostOutput out;
  host_.OnAggregatorGone(now_ms_, out);
  EXPECT_FALSE(host_.view().run.aggregator);
  EXPECT_EQ(host_.view().run.detail, "waits for the aggregator");
  EXPECT_EQ(CodeOf(Ask("p", Hello{}).to_participants.at(0).message), "aggregator_absent");
}

TEST_F(HostTest, ClosingIsAnsweredWhenTheAggregatorHasDecided) {
  EXPECT_EQ(CodeOf(Control(CloseRequest{}).to_control.at(0).message), "aggregator_absent");
  Begin();
  HostOutput out = Control(CloseRequest{});
  EXPECT_THAT(Types(out.to_aggregator), ElementsAre("close"));
  EXPECT_THAT(out.to_control, IsEmpty());
  out = Tell("a", "", RefusedMessage::Of(Refused({.code = "quorum_missing", .what = "updates"})));
  ASSERT_THAT(Names(out.to_control), ElementsAre("ctl"));
  EXPECT_EQ(CodeOf(out.to_control[0].message), "quorum_missing");
  Control(CloseRequest{});
  out = Tell("a", "", WantBase{.offset = 0, .length = 1});
  EXPECT_THAT(Types(out.to_control), ElementsAre("view"));
}

TEST_F(HostTest, TheViewShowsEachParticipantsUpload) {
  Begin();
  const RunView before = host_.view();
  EXPECT_EQ(before.chunks_total, 9u);
  EXPECT_THAT(before.participants, ElementsAre(ParticipantView{"hospital-0", 0, false},
                                               ParticipantView{"hospital-1", 0, false},
                                               ParticipantView{"hospital-2", 0, false}));
  const Bytes two(2 * (folder_.plan().plan.chunk_bytes + kAeadTagSize));
  Ask("p", Chunk{.participant = testing::ParticipantKey(1).public_key(), .index = 2}, two);
  Ask("p", Chunk{.participant = testing::ParticipantKey(2).public_key(), .index = UINT64_MAX}, two);
  Ask("p", Chunk{.participant = testing::ParticipantKey(9).public_key(), .index = 3});
  Tell("a", "", State(1));
  EXPECT_THAT(host_.view().participants, ElementsAre(ParticipantView{"hospital-0", 9, true},
                                                     ParticipantView{"hospital-1", 4, false},
                                                     ParticipantView{"hospital-2", 9, false}));
  Tell("a", "", Failed{.round = Round(1), .attempt = Attempt(1), .code = "x", .reason = ""});
  EXPECT_EQ(host_.view().participants, before.participants);
  const Message view = Control(ViewRequest{}).to_control.at(0).message;
  ASSERT_TRUE(cbor::DecodeFields<RunView>(view.head).ok());
}

}  // namespace
}  // namespace sealfold
