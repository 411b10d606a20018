// Invariant 5: the host can deny service; it cannot read, replay, substitute or roll back anything
// that a client would accept. Here a host without keys does to a client what it can: with what it
// stored, delayed or started anew.
#include <gtest/gtest.h>

#include "participant-client/record/model_file.h"
#include "participant-client/record/record_judgement.h"
#include "participant-client/testing/session_bench.h"
#include "participant-client/testing/simulated_host.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using testing_world::kNowMs;
using testing_world::ModelOf;
using testing_world::Publish;
using testing_world::PublishedRound;
using testing_world::SessionBench;
using testing_world::SimulatedAggregator;
using testing_world::World;

class HostCanOnlyDenyTest : public ::testing::Test {
 protected:
  // Why a session of a new process goes no further with what the host offers; and that not a byte
  // of the update was read for it, sealed or remembered as sent.
  std::string RefusalOf(SimulatedAggregator& offered) {
    const uint64_t reads = bench_.payload.reads;
    const uint64_t saves = bench_.store.saves;
    auto session = bench_.NewProcess();
    bench_.Run(*session, offered, session->Start());
    EXPECT_EQ(session->state(), Session::State::kFailed);
    EXPECT_TRUE(session->OnQuiet().empty());
    EXPECT_EQ(bench_.payload.reads, reads);
    EXPECT_EQ(bench_.store.saves, saves);
    EXPECT_EQ(offered.sealed_messages(), 0u);
    return ErrorCode(session->status());
  }
  void SubmitTo(SimulatedAggregator& aggregator) {
    auto session = bench_.NewProcess();
    bench_.Run(*session, aggregator, session->Start());
    ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  }
  // A round that `aggregator` might have published, honest throughout.
  PublishedRound Published(const SimulatedAggregator& aggregator, absl::string_view model) {
    std::vector<LogEntry> log;
    for (uint64_t i = 0; i < world_.keys.size(); ++i) {
      log.push_back({.plan = world_.plan.digest,
                     .round = aggregator.binding().round,
                     .attempt = aggregator.binding().attempt,
                     .participant = world_.keys[i].public_key(),
                     .index = i,
                     .header = Sha256(AsBytes("header")),
                     .tags = Sha256(AsBytes("tags"))});
    }
    return Publish(world_, aggregator.binding(), aggregator.record_key(), log,
                   Sha256(AsBytes(model)));
  }
  // The client takes part in round 1 and sees its record.
  PublishedRound SeeRound1() {
    SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
    SubmitTo(first);
    PublishedRound seen = Published(first, "model 1");
    EXPECT_TRUE(Remember(seen.checked, *bench_.store.memory).ok());
    return seen;
  }

  World world_;
  SessionBench bench_{world_};
};

TEST_F(HostCanOnlyDenyTest, AnOldOfferIsNotOneForThisSession) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  std::optional<Offer> stored;
  aggregator.alter_offer = [&](Offer& offer) { stored = offer; };
  auto earlier = bench_.NewProcess();
  aggregator.On(earlier->Start()[0]);
  ASSERT_TRUE(stored.has_value());
  aggregator.alter_offer = [&](Offer& offer) { offer = *stored; };
  EXPECT_EQ(RefusalOf(aggregator), "evidence_nonce");

  // Nor one whose document was for many sessions, with any of their paths.
  SimulatedAggregator busy(world_, Round(1), Attempt(1), 7);
  busy.batch = 5;
  busy.alter_offer = [&](Offer& offer) { stored = offer; };
  busy.On(bench_.NewProcess()->Start()[0]);
  busy.alter_offer = [&](Offer& offer) { offer = *stored; };
  EXPECT_EQ(RefusalOf(busy), "nonce_not_in_batch");
  // The older document with a newer one's path.
  busy.alter_offer = [&](Offer& offer) { offer.evidence = stored->evidence; };
  EXPECT_EQ(RefusalOf(busy), "evidence_nonce");
}

TEST_F(HostCanOnlyDenyTest, ARunIsNotTakenBackOrForked) {
  const PublishedRound seen = SeeRound1();

  SimulatedAggregator again(world_, Round(1), Attempt(2), 8);
  EXPECT_EQ(RefusalOf(again), "offer_round_seen");

  // Every round after a fork of round 1: its record differs, and so may its model.
  CheckedRecord fork = seen.checked;
  fork.digest = Sha256(AsBytes("another record of round 1"));
  SimulatedAggregator forked(world_, Round(2), Attempt(1), 9, fork);
  EXPECT_EQ(RefusalOf(forked), "offer_chain_broken");
  SimulatedAggregator begun_anew(world_, Round(2), Attempt(1), 10);
  EXPECT_EQ(RefusalOf(begun_anew), "offer_chain_broken");
  CheckedRecord rebased = seen.checked;
  rebased.record.model = Sha256(AsBytes("another model of round 1"));
  SimulatedAggregator on_another_model(world_, Round(2), Attempt(1), 11, rebased);
  EXPECT_EQ(RefusalOf(on_another_model), "offer_base_model");
  SimulatedAggregator ahead(world_, Round(3), Attempt(1), 12, seen.checked);
  EXPECT_EQ(RefusalOf(ahead), "offer_round_ahead");

  SimulatedAggregator honest(world_, Round(2), Attempt(1), 13, seen.checked);
  SubmitTo(honest);
}

TEST_F(HostCanOnlyDenyTest, AttemptsAreCountedAndHaveOneKeyEach) {
  ASSERT_EQ(world_.policy.plan.attempts_max, 2u);
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  SubmitTo(first);
  SimulatedAggregator twin(world_, Round(1), Attempt(1), 8);
  EXPECT_EQ(RefusalOf(twin), "offer_key_changed");
  SimulatedAggregator second(world_, Round(1), Attempt(2), 9);
  SubmitTo(second);
  SimulatedAggregator back(world_, Round(1), Attempt(1), 7);  // the very keys of before
  EXPECT_EQ(RefusalOf(back), "offer_attempt_old");
  SimulatedAggregator third(world_, Round(1), Attempt(3), 10);
  EXPECT_EQ(RefusalOf(third), "offer_attempt_limit");
}

TEST_F(HostCanOnlyDenyTest, KillingAggregatorsInTheMiddleOfUploadsGainsNoFurtherAttempt) {
  auto session = bench_.NewProcess();
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  bench_.Run(*session, first, session->Start(), 3);
  SimulatedAggregator second(world_, Round(1), Attempt(2), 8);
  bench_.Run(*session, second, session->OnQuiet(), 4);
  ASSERT_GT(second.sealed_messages(), 0u);
  SimulatedAggregator third(world_, Round(1), Attempt(3), 9);
  bench_.Run(*session, third, session->OnQuiet());
  EXPECT_EQ(ErrorCode(session->status()), "offer_attempt_limit");
  EXPECT_EQ(third.sealed_messages(), 0u);
}

TEST_F(HostCanOnlyDenyTest, OneParticipantsReceiptIsNoneForAnother) {
  // South submits to an aggregator with the same keys, and the host hands its receipt to north.
  SimulatedAggregator to_south(world_, Round(1), Attempt(1), 7);
  testing_world::StoreInMemory south_store;
  Session south({.policy = world_.policy,
                 .plan = world_.plan,
                 .key = world_.keys[1],
                 .store = south_store,
                 .memory = {.plan = world_.plan.digest,
                            .participant = world_.keys[1].public_key(),
                            .seen = {},
                            .entered = {}},
                 .update = bench_.update,
                 .payload = bench_.payload,
                 .model_key = {},
                 .seed = testing_world::SeedOf(1, "south")});
  bench_.Run(south, to_south, south.Start());
  ASSERT_EQ(south.state(), Session::State::kDone) << south.status();

  // North's own, of an attempt before; and both at a time when everything was sent.
  SimulatedAggregator before(world_, Round(1), Attempt(1), 7);
  SubmitTo(before);
  const Bytes own_of_before = *bench_.store.memory->entered->receipt;
  const std::pair<Bytes, std::string> stored[] = {
      {*south_store.memory->entered->receipt, "receipt_participant"},
      {own_of_before, "receipt_signer"}};
  for (const auto& [receipt, code] : stored) {
    SessionBench bench(world_);
    bench.processes = 50;
    SimulatedAggregator aggregator(world_, Round(1), Attempt(code == "receipt_signer" ? 2 : 1), 7);
    auto session = bench.NewProcess();
    std::vector<Message> out = session->Start();
    for (int i = 0; i < 100 && !session->finished(); ++i) {
      std::vector<Message> next;
      for (const Message& message : out) {
        for (Message answer : aggregator.On(message)) {
          if (*cbor::PeekType(answer.head) == ReceiptMessage::kType) {
            answer.head = cbor::EncodeFields(ReceiptMessage{.receipt = receipt});
          }
          for (Message& more : session->OnMessage(answer, kNowMs)) next.push_back(more);
        }
      }
      out = std::move(next);
    }
    EXPECT_EQ(ErrorCode(session->status()), code);
    EXPECT_FALSE(bench.store.memory->HasReceipt(Round(1)));
  }
}

TEST_F(HostCanOnlyDenyTest, AnOldOrForeignRecordIsNotTheNextOne) {
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  const PublishedRound round1 = Published(first, "model 1");
  const PublishedRound twin1 = Published(first, "a second model 1");
  Memory memory = world_.EmptyMemory();
  ASSERT_TRUE(Remember(round1.checked, memory).ok());
  const Memory before = memory;

  CheckedRecord rebased = round1.checked;
  rebased.record.model = twin1.checked.record.model;
  SimulatedAggregator on_twin(world_, Round(2), Attempt(1), 8, twin1.checked);
  SimulatedAggregator on_twins_model(world_, Round(2), Attempt(1), 9, rebased);
  const CheckedRecord previous = *PreviousOf(memory, world_.plan);
  const std::pair<CheckedRecord, std::string> stored[] = {
      {round1.checked, "chain_round"},
      {twin1.checked, "chain_round"},
      {Published(on_twin, "model 2").checked, "chain_previous"},
      {Published(on_twins_model, "model 2").checked, "chain_base"}};
  for (const auto& [record, code] : stored) {
    EXPECT_EQ(ErrorCode(CheckRecordChain(&previous, record)), code);
    // Without that check, too, the memory does not go back; whether a base model fits is for that
    // check alone.
    if (code == "chain_base") continue;
    EXPECT_EQ(ErrorCode(Remember(record, memory)), "record_rolled_back");
    EXPECT_EQ(memory, before);
  }
  SimulatedAggregator second(world_, Round(2), Attempt(1), 10, round1.checked);
  const PublishedRound round2 = Published(second, "model 2");
  EXPECT_TRUE(CheckRecordChain(&previous, round2.checked).ok());
  EXPECT_TRUE(Remember(round2.checked, memory).ok());
}

TEST_F(HostCanOnlyDenyTest, AnOldModelIsNotGivenTheNameOfANewOne) {
  const Bytes old = ModelOf(world_.plan.plan, 1);
  const Digest expected = Sha256(ModelOf(world_.plan.plan, 2));
  const std::string path = world_.folder.Path("model");
  auto writer = ModelFileWriter::Open(path, expected, old.size(), std::nullopt);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(writer->Append(old).ok());
  EXPECT_EQ(ErrorCode(writer->Finish()), "model_digest_wrong");
  EXPECT_FALSE(ReadFile(path, 1 << 20).ok());
}

}  // namespace
}  // namespace sealfold
