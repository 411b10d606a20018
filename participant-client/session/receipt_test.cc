// A receipt that is not for exactly what was sent is refused.
#include <gtest/gtest.h>

#include "participant-client/session/session.h"
#include "participant-client/testing/session_bench.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using testing_world::SeedOf;
using testing_world::SessionBench;
using testing_world::SimulatedAggregator;
using testing_world::World;

std::string SubmitTo(const std::function<void(World&, SimulatedAggregator&)>& forge) {
  World world;
  SessionBench bench(world);
  SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
  forge(world, aggregator);
  auto session = bench.NewProcess();
  bench.Run(*session, aggregator, session->Start());
  EXPECT_FALSE(bench.store.memory->HasReceipt(Round(1)) && !session->status().ok());
  return ErrorCode(session->status());
}

std::function<void(World&, SimulatedAggregator&)> Entry(
    const std::function<void(LogEntry&)>& alter) {
  return [alter](World&, SimulatedAggregator& a) { a.alter_entry = alter; };
}

TEST(Receipt, AnHonestOneIsTaken) {
  EXPECT_EQ(SubmitTo([](World&, SimulatedAggregator&) {}), "");
}

TEST(Receipt, ForgedOnesAreRefused) {
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.plan = Digest(); })), "receipt_plan");
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.round = Round(2); })), "receipt_round");
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.attempt = Attempt(2); })), "receipt_attempt");
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.participant = SigningPublicKey(); })),
            "receipt_participant");
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.header = Digest(); })), "receipt_header");
  EXPECT_EQ(SubmitTo(Entry([](LogEntry& e) { e.tags = Digest(); })), "receipt_tags");
  // Signed by a key that the evidence does not name: by the coordinator, say.
  EXPECT_EQ(SubmitTo([](World& w, SimulatedAggregator& a) { a.receipt_key = &w.coordinator; }),
            "receipt_signer");
}

TEST(Receipt, OneBeforeEverythingWasSentIsRefused) {
  World world;
  SessionBench bench(world);
  SimulatedAggregator whole(world, Round(1), Attempt(1), 7);
  auto earlier = bench.NewProcess();
  bench.Run(*earlier, whole, earlier->Start());
  ASSERT_EQ(earlier->state(), Session::State::kDone);
  const Bytes receipt = *bench.store.memory->entered->receipt;

  SessionBench other(world);
  other.processes = 100;
  SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
  auto session = other.NewProcess();
  other.Run(*session, aggregator, session->Start(), 3);
  const Message early{.head = cbor::EncodeFields(ReceiptMessage{.receipt = receipt}), .bulk = {}};
  session->OnMessage(early, testing_world::kNowMs);
  EXPECT_NE(session->state(), Session::State::kDone);
  EXPECT_FALSE(session->last_problem().ok());
}

}  // namespace
}  // namespace sealfold
