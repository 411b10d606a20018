#include "participant-client/session/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "participant-client/testing/session_bench.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

using testing_world::Publish;
using testing_world::SessionBench;
using testing_world::SimulatedAggregator;
using testing_world::World;

class SessionTest : public ::testing::Test {
 protected:
  World world_;
  SessionBench bench_{world_};
};

TEST_F(SessionTest, SubmitsAndEndsWithAReceiptThatHolds) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, aggregator, session->Start());
  ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(aggregator.payload(), bench_.payload.bytes);
  EXPECT_EQ(aggregator.weight(), Weight(120));
  EXPECT_EQ(session->entry(), aggregator.entry());
  EXPECT_TRUE(bench_.store.memory->HasReceipt(Round(1)));
  EXPECT_FALSE(session->checks().caveat().empty());
}

TEST_F(SessionTest, TakesADocumentThatIsForManySessions) {
  for (const uint64_t batch : {2, 5, 1000}) {
    SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
    aggregator.batch = batch;
    SessionBench bench(world_);
    auto session = bench.NewProcess();
    bench.Run(*session, aggregator, session->Start());
    ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
    const std::vector<Check>& checks = session->checks().checks();
    EXPECT_EQ(std::count_if(checks.begin(), checks.end(),
                            [](const Check& check) { return check.name == "nonce_path"; }),
              1);
  }
}

TEST_F(SessionTest, TheSameSeedGivesTheSameMessages) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto a = bench_.NewProcess();
  bench_.processes = 0;
  auto b = bench_.NewProcess();
  auto from_a = a->Start();
  auto from_b = b->Start();
  ASSERT_EQ(from_a.size(), 1u);
  EXPECT_EQ(from_a[0].head, from_b[0].head);
  const Message offer = aggregator.On(from_a[0])[0];
  auto begin_a = a->OnMessage(offer, testing_world::kNowMs);
  auto begin_b = b->OnMessage(offer, testing_world::kNowMs);
  ASSERT_EQ(begin_a.size(), 1u);
  EXPECT_EQ(begin_a[0].head, begin_b[0].head);
  EXPECT_EQ(begin_a[0].bulk, begin_b[0].bulk);
}

TEST_F(SessionTest, ResumesInANewProcessAfterEveryMessage) {
  // The whole of an undisturbed submission, in messages of one chunk.
  SimulatedAggregator undisturbed(world_, Round(1), Attempt(1), 7);
  undisturbed.credit = 1;
  auto whole = bench_.NewProcess();
  const uint64_t messages = bench_.Run(*whole, undisturbed, whole->Start());
  ASSERT_GE(messages, 5u);
  for (uint64_t lost_after = 1; lost_after <= messages; ++lost_after) {
    SCOPED_TRACE(lost_after);
    SessionBench bench(world_);
    SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
    aggregator.credit = 1;
    auto first = bench.NewProcess();
    bench.Run(*first, aggregator, first->Start(), lost_after);
    const uint64_t opened = aggregator.next();
    first.reset();
    auto second = bench.NewProcess();
    bench.Run(*second, aggregator, second->Start());
    ASSERT_EQ(second->state(), Session::State::kDone) << second->status();
    EXPECT_EQ(aggregator.payload(), bench.payload.bytes);
    EXPECT_EQ(second->entry(), aggregator.entry());
    EXPECT_GE(aggregator.next(), opened);
  }
}

TEST_F(SessionTest, AProcessPerChunkStillEndsInOneUpdate) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  aggregator.credit = 1;
  std::unique_ptr<Session> session;
  for (int process = 0; process < 20 && !aggregator.committed(); ++process) {
    session = bench_.NewProcess();
    bench_.Run(*session, aggregator, session->Start(), process == 0 ? 3 : 4);
  }
  session = bench_.NewProcess();
  bench_.Run(*session, aggregator, session->Start());
  ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(aggregator.payload(), bench_.payload.bytes);
  EXPECT_GE(aggregator.begins(), 3u);
}

TEST_F(SessionTest, BeginsAnewWhenItsTagsAreLost) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto first = bench_.NewProcess();
  bench_.Run(*first, aggregator, first->Start(), 3);
  ASSERT_GT(aggregator.next(), 0u);
  bench_.store.tags.clear();
  auto second = bench_.NewProcess();
  bench_.Run(*second, aggregator, second->Start());
  ASSERT_EQ(second->state(), Session::State::kDone) << second->status();
  EXPECT_EQ(aggregator.payload(), bench_.payload.bytes);
}

TEST_F(SessionTest, BeginsAnewWhenTheAggregatorDiscardsWhatItHad) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, aggregator, session->Start(), 3);
  aggregator.Discard();
  bench_.Run(*session, aggregator, session->OnQuiet());
  ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(aggregator.payload(), bench_.payload.bytes);
}

TEST_F(SessionTest, GoesBackToAChunkThatTurnsOutToBeBroken) {
  for (uint64_t broken = 0; broken < 3; ++broken) {
    for (const uint64_t credit : {1, 2, 8}) {
      SCOPED_TRACE(broken);
      SessionBench bench(world_);
      SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
      aggregator.credit = credit;
      aggregator.broken = broken;
      auto session = bench.NewProcess();
      bench.Run(*session, aggregator, session->Start());
      ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
      // What is not acknowledged is at hand to be sent again: the last one, or all of a message.
      EXPECT_EQ(aggregator.begins(), broken < 2 && credit < 8 ? 2u : 1u);
      EXPECT_EQ(aggregator.payload(), bench.payload.bytes);
      EXPECT_EQ(session->entry(), aggregator.entry());
    }
  }
}

// All chunks are there and the receipt is not: nothing is begun anew, whoever asks.
TEST_F(SessionTest, WaitsForTheReceiptWhenAllOfItIsThere) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto first = bench_.NewProcess();
  bench_.Run(*first, aggregator, first->Start());
  ASSERT_EQ(first->state(), Session::State::kDone) << first->status();
  bench_.store.memory->entered->receipt.reset();  // as if it had not come
  auto second = bench_.NewProcess();
  const std::vector<Message> offer = aggregator.On(second->Start().at(0));
  const std::vector<Message> query = second->OnMessage(offer.at(0), testing_world::kNowMs);
  ASSERT_EQ(query.size(), 1u);
  const Progress complete{.round = Round(1),
                          .attempt = Attempt(1),
                          .sequence = 1,
                          .header = aggregator.entry()->header,
                          .next = second->chunk_count(),
                          .credit = 0};
  for (int i = 0; i < 3; ++i) {
    const Message progress{.head = cbor::EncodeFields(complete), .bulk = {}};
    EXPECT_TRUE(second->OnMessage(progress, testing_world::kNowMs).empty());
    EXPECT_EQ(second->OnQuiet().size(), 1u);
  }
  bench_.Run(*second, aggregator, second->OnQuiet());
  EXPECT_EQ(second->state(), Session::State::kDone) << second->status();
  EXPECT_EQ(aggregator.begins(), 1u);
}

TEST_F(SessionTest, AttestsAndSendsAgainWhenTheAggregatorComesBackWithOtherKeys) {
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, first, session->Start(), 3);
  SimulatedAggregator second(world_, Round(1), Attempt(2), 8);
  bench_.Run(*session, second, session->OnQuiet());
  ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(session->offers_judged(), 2u);
  EXPECT_EQ(second.payload(), bench_.payload.bytes);
  EXPECT_EQ(session->entry()->attempt, Attempt(2));
}

TEST_F(SessionTest, ANewAttemptForgetsTheTagsOfTheOneBefore) {
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, first, session->Start(), 3);
  ASSERT_FALSE(bench_.store.tags.empty());
  SimulatedAggregator second(world_, Round(1), Attempt(2), 8);
  auto next = bench_.NewProcess();
  bench_.Run(*next, second, next->Start(), 1);  // to its begin, which is lost
  EXPECT_TRUE(bench_.store.tags.empty());
  EXPECT_EQ(bench_.store.memory->entered->attempt, Attempt(2));
}

TEST_F(SessionTest, AttemptsAreLimitedByPolicy) {
  world_.policy.plan.attempts_max = 2;
  SimulatedAggregator third(world_, Round(1), Attempt(3), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, third, session->Start());
  EXPECT_EQ(ErrorCode(session->status()), "offer_attempt_limit");
  EXPECT_EQ(bench_.payload.reads, 0u);
  EXPECT_EQ(third.sealed_messages(), 0u);
}

TEST_F(SessionTest, NoAttemptIsEnteredTwiceWithDifferentKeysOrGoneBackTo) {
  SimulatedAggregator second(world_, Round(1), Attempt(2), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, second, session->Start());
  ASSERT_EQ(session->state(), Session::State::kDone) << session->status();
  SimulatedAggregator first(world_, Round(1), Attempt(1), 8);
  auto back = bench_.NewProcess();
  bench_.Run(*back, first, back->Start());
  EXPECT_EQ(ErrorCode(back->status()), "offer_attempt_old");
  SimulatedAggregator twin(world_, Round(1), Attempt(2), 9);
  auto again = bench_.NewProcess();
  bench_.Run(*again, twin, again->Start());
  EXPECT_EQ(ErrorCode(again->status()), "offer_key_changed");
  EXPECT_EQ(first.sealed_messages() + twin.sealed_messages(), 0u);
}

TEST_F(SessionTest, AnotherUpdateForTheSameRoundIsRefused) {
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, first, session->Start(), 3);
  bench_.update.modified_ns += 1;
  SimulatedAggregator second(world_, Round(1), Attempt(2), 8);
  auto changed = bench_.NewProcess();
  bench_.Run(*changed, second, changed->Start());
  EXPECT_EQ(ErrorCode(changed->status()), "offer_update_changed");
  EXPECT_EQ(second.sealed_messages(), 0u);
}

TEST_F(SessionTest, NothingGoesToARoundWhoseRecordWasSeen) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, aggregator, session->Start());
  LogEntry mine = *aggregator.entry();
  std::vector<LogEntry> log = {mine, mine, mine};
  for (uint64_t i = 0; i < 3; ++i) {
    log[i].index = i;
    log[i].participant = world_.keys[i].public_key();
  }
  auto published = Publish(world_, aggregator.binding(), aggregator.record_key(), log, Digest());
  ASSERT_TRUE(Remember(published.checked, *bench_.store.memory).ok());

  SimulatedAggregator repeated(world_, Round(1), Attempt(2), 8);
  auto again = bench_.NewProcess();
  bench_.Run(*again, repeated, again->Start());
  EXPECT_EQ(ErrorCode(again->status()), "offer_round_seen");
  EXPECT_EQ(repeated.sealed_messages(), 0u);

  SimulatedAggregator ahead(world_, Round(3), Attempt(1), 9, published.checked);
  auto forward = bench_.NewProcess();
  bench_.Run(*forward, ahead, forward->Start());
  EXPECT_EQ(ErrorCode(forward->status()), "offer_round_ahead");

  SimulatedAggregator next(world_, Round(2), Attempt(1), 10, published.checked);
  auto on = bench_.NewProcess();
  bench_.Run(*on, next, on->Start());
  EXPECT_EQ(on->state(), Session::State::kDone) << on->status();
}

TEST_F(SessionTest, LostDoubledAndReorderedMessagesOnlyCostTime) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int run = 0; run < 30; ++run) {
    SessionBench bench(world_);
    SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
    aggregator.credit = 1 + random() % 4;
    auto session = bench.NewProcess();
    std::vector<Message> to_aggregator = session->Start();
    std::vector<Message> to_session;
    for (int step = 0; step < 3000 && !session->finished(); ++step) {
      auto deliver = [&](std::vector<Message>& queue, auto&& to) {
        if (queue.empty()) return;
        const size_t pick = random() % std::min<size_t>(queue.size(), 3);
        const Message message = queue[pick];
        if (random() % 10 != 0) queue.erase(queue.begin() + static_cast<ptrdiff_t>(pick));
        if (random() % 10 != 0) to(message);
      };
      deliver(to_aggregator, [&](const Message& m) {
        for (Message& answer : aggregator.On(m)) to_session.push_back(std::move(answer));
      });
      deliver(to_session, [&](const Message& m) {
        for (Message& answer : session->OnMessage(m, testing_world::kNowMs)) {
          to_aggregator.push_back(std::move(answer));
        }
      });
      if (to_aggregator.empty() && to_session.empty()) to_aggregator = session->OnQuiet();
    }
    ASSERT_EQ(session->state(), Session::State::kDone)
        << "run " << run << ": " << session->status();
    EXPECT_EQ(aggregator.payload(), bench.payload.bytes);
  }
}

TEST_F(SessionTest, WhatIsSlowIsNotSentAgain) {
  SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
  aggregator.credit = 1;
  auto session = bench_.NewProcess();
  const Message offer = aggregator.On(session->Start().at(0)).at(0);
  const Message begin = session->OnMessage(offer, testing_world::kNowMs).at(0);
  const Message placed = aggregator.On(begin).at(0);
  std::deque<Message> line;
  uint64_t chunk_messages = 0;
  const auto send = [&](const std::vector<Message>& messages) {
    for (const Message& message : messages) {
      chunk_messages += message.bulk.empty() ? 0 : 1;
      line.push_back(message);
    }
  };
  // A window of several messages is under way.
  auto progress = cbor::DecodeFields<Progress>(placed.head);
  ASSERT_TRUE(progress.ok());
  for (progress->credit = 1; progress->credit <= session->chunk_count(); ++progress->credit) {
    const Message told{.head = cbor::EncodeFields(*progress), .bulk = {}};
    send(session->OnMessage(told, testing_world::kNowMs));
  }
  ASSERT_EQ(chunk_messages, session->chunk_count());
  ASSERT_GE(chunk_messages, 3u);
  // Each arrives after more quiet than the sender bears.
  while (!line.empty() && !session->finished()) {
    send(session->OnQuiet());
    const Message arrived = line.front();
    line.pop_front();
    for (const Message& answer : aggregator.On(arrived)) {
      send(session->OnMessage(answer, testing_world::kNowMs));
    }
  }
  EXPECT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(chunk_messages, session->chunk_count());
}

Message Refusal(const char* code) {
  return {.head = cbor::EncodeFields(
              RefusedMessage{.code = code, .what = "x", .expected = {}, .found = {}, .advice = {}}),
          .bulk = {}};
}

TEST_F(SessionTest, RefusalsBeforeTheUploadAreWaitedOutUnlessTheyInsist) {
  auto session = bench_.NewProcess();
  session->Start();
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(session->OnMessage(Refusal("no_round"), testing_world::kNowMs).empty());
  }
  EXPECT_EQ(ErrorCode(session->last_problem()), "no_round");
  EXPECT_EQ(session->OnQuiet().size(), 1u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(session->finished());
    session->OnMessage(Refusal("unknown_participant"), testing_world::kNowMs);
  }
  EXPECT_EQ(ErrorCode(session->status()), "unknown_participant");
  EXPECT_EQ(session->status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(SessionTest, RefusalsOfTheUpload) {
  const std::pair<const char*, bool> cases[] = {
      {"out_of_range", true},    {"round_closed", true},        {"of_a_later_release", false},
      {"cbor_malformed", false}, {"chunk_out_of_order", false}, {"no_round", false}};
  for (const auto& [code, final] : cases) {
    SCOPED_TRACE(code);
    SessionBench bench(world_);
    SimulatedAggregator aggregator(world_, Round(1), Attempt(1), 7);
    auto session = bench.NewProcess();
    bench.Run(*session, aggregator, session->Start(), 3);
    auto answer = session->OnMessage(Refusal(code), testing_world::kNowMs);
    EXPECT_EQ(session->finished(), final);
    if (final) continue;
    bench.Run(*session, aggregator, answer);
    EXPECT_EQ(session->state(), Session::State::kDone) << session->status();
  }
}

// A host that goes back to an older release of the aggregator in a later attempt, though a policy
// still accepts it.
TEST_F(SessionTest, RemembersTheReleaseThatItSealedTo) {
  std::vector<ReferenceValues>& accepted = world_.policy.evidence.reference_values;
  accepted.front().release_version = 7;
  SimulatedAggregator first(world_, Round(1), Attempt(1), 7);
  auto session = bench_.NewProcess();
  bench_.Run(*session, first, session->Start(), 2);
  ASSERT_EQ(bench_.store.memory->release_version, 7u);

  accepted.front().release_version = 6;
  SimulatedAggregator second(world_, Round(1), Attempt(2), 8);
  auto again = bench_.NewProcess();
  bench_.Run(*again, second, again->Start());
  EXPECT_EQ(again->state(), Session::State::kFailed);
  EXPECT_EQ(ErrorCode(again->status()), "offer_release_old");
}

}  // namespace
}  // namespace sealfold
