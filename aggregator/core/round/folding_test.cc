// When complete uploads are folded, and what comes meanwhile: close, deadline, a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::As;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::TypeOf;

class FoldingTest : public ::testing::Test {
 protected:
  void Start(size_t parties) {
    run = SampleRun::Make(parties);
    run.plan.staging_bytes_max = parties * SealedUpdateBytes(run.plan);
    run.Sign();
    MakeHost();
  }
  void MakeHost() { MakeHost({.start = run.FirstStart()}); }
  void MakeHost(SampleHost::Options options) {
    host = std::make_unique<SampleHost>(run, std::move(options));
    host->fold_at_once = false;
    updates.clear();
    senders.clear();
    for (size_t party = 0; party < run.parties.size(); ++party) {
      updates.push_back(run.MakeUpdate(party));
      senders.emplace_back(run, party, host->GetOffer(party), updates[party],
                           SampleSender::Options{});
    }
  }
  void Begin(size_t party) { host->Say(party, senders[party].begin()); }
  // Chunks of an upload that began, up to `end`; `broken` has a bit flipped.
  void Send(size_t party, uint64_t end = 5, uint64_t broken = UINT64_MAX) {
    for (uint64_t i = 0; i < end; ++i) {
      Message chunk = senders[party].chunk(i);
      if (i == broken) testing::ChangeBulk(chunk, [&](Bytes& bulk) { bulk[0] ^= 1; });
      EXPECT_EQ(host->Code(party, chunk), "");
    }
  }
  void Complete(size_t party) {
    Begin(party);
    Send(party);
  }
  uint64_t next_tick_ms() const { return host->round->next_tick_ms(); }
  // Ticks as they are due until nothing is being folded.
  void Fold() {
    for (int i = 0; i < 1000 && !host->round->over() && host->round->folding() > 0; ++i) {
      host->Tick(std::max(host->now_ms, next_tick_ms()));
    }
  }
  size_t receipts() const {
    size_t count = 0;
    for (const auto& [party, messages] : host->inbox) {
      for (const Message& m : messages) count += TypeOf(m) == "receipt" ? 1 : 0;
    }
    return count;
  }

  SampleRun run = SampleRun::Make();
  std::unique_ptr<SampleHost> host;
  std::vector<SampleUpdate> updates;
  std::vector<SampleSender> senders;
};

TEST_F(FoldingTest, OneWaitsForCompanyUntilItIsQuiet) {
  Start(4);
  Complete(0);
  EXPECT_EQ(host->round->folding(), 1u);
  EXPECT_EQ(next_tick_ms(), host->now_ms + kFoldQuietMs);
  // Something comes now and then: until it has waited long enough.
  const uint64_t complete_ms = host->now_ms;
  Begin(1);
  for (uint64_t i = 0; i < 4; ++i) {
    host->now_ms += kFoldQuietMs - 1;
    host->Tick(host->now_ms);
    EXPECT_EQ(receipts(), 0u);
    host->Say(1, senders[1].chunk(i));
    EXPECT_EQ(next_tick_ms(), host->now_ms + kFoldQuietMs);
  }
  host->now_ms = complete_ms + kFoldWaitMs - 1;
  host->Say(1, senders[1].begin());
  host->Say(2, senders[2].begin());
  EXPECT_EQ(next_tick_ms(), complete_ms + kFoldWaitMs);
  host->Tick(complete_ms + kFoldWaitMs);
  EXPECT_EQ(receipts(), 1u);
}

TEST_F(FoldingTest, AtOnceWithAllThatCanCome) {
  Start(3);
  Complete(0);
  Complete(1);
  Complete(2);
  EXPECT_EQ(next_tick_ms(), host->now_ms);
  host->Tick(host->now_ms);
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
  // The log is in the order in which they became complete.
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(host->record_file->log[i].participant, run.parties[i].key.public_key());
  }
}

TEST_F(FoldingTest, AtOnceWithAFullBatch) {
  Start(kFoldBatchMin + 1);
  for (size_t party = 0; party + 1 < kFoldBatchMin; ++party) Complete(party);
  EXPECT_GT(next_tick_ms(), host->now_ms);
  Complete(kFoldBatchMin - 1);
  EXPECT_EQ(next_tick_ms(), host->now_ms);
  host->Tick(host->now_ms);
  EXPECT_EQ(receipts(), kFoldBatchMin);
}

TEST_F(FoldingTest, AtOnceWhenOthersWaitForTheirRoom) {
  run = SampleRun::Make(4);
  run.plan.staging_bytes_max = 2 * SealedUpdateBytes(run.plan);
  run.Sign();
  MakeHost();
  Begin(0);
  Begin(1);
  Begin(2);
  Send(0);
  EXPECT_GT(next_tick_ms(), host->now_ms);  // 1 may still become complete
  Send(1);
  EXPECT_EQ(next_tick_ms(), host->now_ms);
  host->inbox.clear();
  host->Tick(host->now_ms);
  EXPECT_EQ(receipts(), 2u);
  EXPECT_GT(As<Progress>(host->inbox[2].at(0)).credit, 0u);
}

TEST_F(FoldingTest, OrderOfCompletionIsTheOrderOfTheLog) {
  Start(4);
  for (const size_t party : {0, 1, 2, 3}) Begin(party);
  for (const size_t party : {0, 1, 2, 3}) Send(party, 4);
  for (const size_t party : {2, 0, 3, 1}) host->Say(party, senders[party].chunk(4));
  Fold();
  ASSERT_TRUE(host->round->over());
  std::vector<SigningPublicKey> logged;
  for (const LogEntry& entry : host->record_file->log) logged.push_back(entry.participant);
  EXPECT_THAT(logged, ::testing::ElementsAre(
                          run.parties[2].key.public_key(), run.parties[0].key.public_key(),
                          run.parties[3].key.public_key(), run.parties[1].key.public_key()));
}

TEST_F(FoldingTest, CloseFoldsWhatIsCompleteFirst) {
  Start(4);
  Complete(0);
  Complete(1);
  Begin(2);
  Send(2, 3);
  host->Close();
  EXPECT_TRUE(host->host_refusals.empty());
  EXPECT_FALSE(host->round->over());
  EXPECT_EQ(next_tick_ms(), host->now_ms);
  host->Close();  // again: nothing more
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_TRUE(host->host_refusals.empty());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, {updates[0], updates[1]}));
  EXPECT_EQ(receipts(), 2u);
}

TEST_F(FoldingTest, CloseThatTurnsOutToLackQuorumIsRefusedAndTheRoundGoesOn) {
  Start(3);
  Complete(0);
  Begin(1);
  Send(1, 5, 4);
  Begin(2);
  host->Close();
  EXPECT_TRUE(host->host_refusals.empty());
  Fold();
  EXPECT_THAT(host->host_refusals, ::testing::ElementsAre("quorum_missing"));
  EXPECT_FALSE(host->round->over());
  host->fold_at_once = true;
  host->Say(1, senders[1].chunk(4));
  Send(2);
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
}

TEST_F(FoldingTest, CloseWithoutHopeOfQuorumIsRefusedAtOnce) {
  Start(3);
  Complete(0);
  host->Close();
  EXPECT_THAT(host->host_refusals, ::testing::ElementsAre("quorum_missing"));
}

TEST_F(FoldingTest, AtTheDeadlineAFaultMayCostTheQuorum) {
  Start(3);
  Complete(0);
  Begin(1);
  Send(1, 5, 0);
  host->inbox.clear();
  host->Tick(1000 + 600'000);
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->failed->code, "quorum_missing");
  EXPECT_EQ(As<RefusedMessage>(host->inbox[1].at(0)).code, "seal_broken");
  EXPECT_FALSE(host->record_file.has_value());
}

TEST_F(FoldingTest, WhatComesForACompleteUploadIsAnsweredWithWhereItStands) {
  Start(3);
  Complete(0);
  const auto chunks_from = [this](uint64_t index, size_t bulk_bytes) {
    return testing::Encode(Chunk{.participant = run.parties[0].key.public_key(), .index = index},
                           Bytes(bulk_bytes));
  };
  const size_t last_bytes = senders[0].chunk(4).bulk.size();
  const std::vector<Message> beyond = {chunks_from(5, 0), chunks_from(5, 100),
                                       chunks_from(4, last_bytes + 1),
                                       chunks_from(UINT64_MAX, 100)};
  // Of anyone: whoever knows the participant's key may name it.
  for (const size_t session : {0, 1}) {
    for (const Message& message : beyond) {
      EXPECT_EQ(host->SayOne(session, message), "progress");
      EXPECT_EQ(As<Progress>(host->inbox[session].back()).next, 5u);
    }
  }
  Complete(1);
  Complete(2);
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
}

// A column for each step.
class ManyStepsTest : public FoldingTest {
 protected:
  ManyStepsTest() {
    Start(3);
    MakeHost(
        {.start = run.FirstStart(), .fold = FoldMeans{.workers = calling_thread, .step_bytes = 1}});
  }
  CallingThread calling_thread;
};

TEST_F(ManyStepsTest, MessagesAreHeardBetweenTheSteps) {
  for (const size_t party : {0, 1}) Begin(party);
  for (const size_t party : {0, 1}) Send(party);
  const Digest before = host->round->SumFingerprint();
  host->now_ms += kFoldWaitMs;
  host->Tick(host->now_ms);
  EXPECT_EQ(receipts(), 0u);
  EXPECT_EQ(host->round->folding(), 2u);
  EXPECT_EQ(next_tick_ms(), host->now_ms);
  EXPECT_NE(host->round->SumFingerprint(), before);
  EXPECT_EQ(host->SayOne(0, host->QueryOf(0)), "progress");
  // Another becomes complete meanwhile, and is in the batch after this one.
  Begin(2);
  Send(2);
  EXPECT_EQ(host->round->folding(), 3u);
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
}

TEST_F(ManyStepsTest, AtTheDeadlineWhatIsCompleteCountsAndNothingElse) {
  Complete(0);
  host->now_ms = 1000 + 599'999;
  Complete(1);
  Begin(2);
  Send(2, 4);
  host->Tick(1000 + 600'000);
  ASSERT_FALSE(host->round->over());
  EXPECT_EQ(host->Code(2, senders[2].chunk(4)), "round_closed");
  EXPECT_EQ(host->Code(2, senders[2].begin()), "round_closed");
  EXPECT_EQ(host->Code(2, host->HelloOf(2)), "round_closed");
  EXPECT_EQ(host->Code(2, host->QueryOf(2)), "round_closed");
  // Who is complete is told so, not that it came too late: a receipt will follow.
  for (const Message& message : {host->QueryOf(0), senders[0].begin(), senders[0].chunk(4)}) {
    EXPECT_EQ(host->SayOne(0, message), "progress");
    EXPECT_EQ(As<Progress>(host->inbox[0].back()).next, 5u);
  }
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, {updates[0], updates[1]}));
}

TEST_F(ManyStepsTest, CloseWhileABatchIsUnderWay) {
  for (const size_t party : {0, 1}) Begin(party);
  for (const size_t party : {0, 1}) Send(party);
  host->now_ms += kFoldWaitMs;
  host->Tick(host->now_ms);
  ASSERT_EQ(receipts(), 0u);
  host->Close();
  EXPECT_FALSE(host->round->over());
  EXPECT_TRUE(host->host_refusals.empty());
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, {updates[0], updates[1]}));
}

// The taking out is cut into steps too, and whoever was taken out can go on before the batch ends.
TEST_F(ManyStepsTest, AFaultInTheMiddle) {
  for (const size_t party : {0, 1}) Begin(party);
  Send(0);
  const uint64_t broken = 2;
  Send(1, 5, broken);
  host->inbox.clear();
  Fold();
  EXPECT_EQ(receipts(), 1u);
  EXPECT_EQ(As<RefusedMessage>(host->inbox[1].at(0)).code, "seal_broken");
  EXPECT_EQ(As<Progress>(host->inbox[1].at(1)).next, broken);
  SampleHost only_first(run);
  only_first.Upload(0, updates[0]);
  EXPECT_EQ(host->round->SumFingerprint(), only_first.round->SumFingerprint());
  for (uint64_t i = broken; i < 5; ++i) host->Say(1, senders[1].chunk(i));
  Complete(2);
  Fold();
  ASSERT_TRUE(host->round->over());
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
}

// What a round that is over leaves behind is nothing, in the middle of a batch as well.
TEST_F(ManyStepsTest, ARoundMayEndInTheMiddleOfABatch) {
  for (const size_t party : {0, 1}) Begin(party);
  for (const size_t party : {0, 1}) Send(party);
  host->now_ms += kFoldWaitMs;
  host->Tick(host->now_ms);
  ASSERT_EQ(host->round->folding(), 2u);
  host->round.reset();
}

}  // namespace
}  // namespace sealfold
