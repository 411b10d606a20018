// Uploads that pause, resume, repeat, wait for room, and commit once.
#include <gtest/gtest.h>

#include "aggregator/core/intake/credit_window.h"
#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::TypeOf;

Progress ProgressOf(const std::vector<Message>& answers) {
  SEALFOLD_CHECK(!answers.empty());
  return As<Progress>(answers.front());
}

TEST(UploadTest, ResumesAtTheChunkWhereItStopped) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(0), run.MakeUpdate(1),
                                             run.MakeUpdate(2)};
  const Offer offer = host.GetOffer(0);
  SampleSender first(run, 0, offer, updates[0], {});
  host.Say(0, first.begin());
  host.Say(0, first.chunk(0));
  host.Say(0, first.chunk(1));

  // A new process knows nothing but what it is told.
  const Progress progress = ProgressOf(host.Say(0, host.QueryOf(0)));
  EXPECT_EQ(progress.next, 2u);
  EXPECT_EQ(progress.header, first.header_digest());
  SampleSender second(
      run, 0, offer, updates[0],
      {.sequence = progress.sequence + 1, .start = progress.next, .continues = progress.header});
  EXPECT_EQ(ProgressOf(host.Say(0, second.begin())).next, 2u);
  host.Say(0, second.chunk(2));
  host.Say(0, second.chunk(3));
  const std::vector<Message> last = host.Say(0, second.chunk(4));
  const absl::StatusOr<LogEntry> entry =
      OpenReceipt(As<ReceiptMessage>(last.at(0)).receipt, offer.binding.record_key);
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->header, second.header_digest());

  host.Upload(1, updates[1]);
  host.Upload(2, updates[2]);
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
}

TEST(UploadTest, AResumedUploadHasTheTagsOfAllItsChunks) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const Offer offer = host.GetOffer(0);
  SampleSender first(run, 0, offer, run.MakeUpdate(0), {});
  host.Say(0, first.begin());
  host.Say(0, first.chunk(0));
  SampleSender second(run, 0, offer, run.MakeUpdate(0),
                      {.sequence = 2, .start = 1, .continues = first.header_digest()});
  host.Say(0, second.begin());
  std::vector<Message> last;
  Sha256Stream tags;
  tags.Update(ByteSpan(first.chunk(0).bulk).last(kAeadTagSize));
  for (uint64_t i = 1; i < second.chunk_count(); ++i) {
    last = host.Say(0, second.chunk(i));
    tags.Update(ByteSpan(second.chunk(i).bulk).last(kAeadTagSize));
  }
  const absl::StatusOr<LogEntry> entry =
      OpenReceipt(As<ReceiptMessage>(last.at(0)).receipt, offer.binding.record_key);
  ASSERT_TRUE(entry.ok());
  EXPECT_EQ(entry->tags, tags.Peek());
  EXPECT_EQ(entry->index, 0u);
  EXPECT_EQ(entry->participant, run.parties[0].key.public_key());
}

TEST(UploadTest, StartingOverDiscardsWhatWasStaged) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const Offer offer = host.GetOffer(0);
  const SampleUpdate other = run.MakeUpdate(99);
  SampleSender first(run, 0, offer, other, {});
  host.Say(0, first.begin());
  for (uint64_t i = 0; i < 4; ++i) host.Say(0, first.chunk(i));
  std::vector<SampleUpdate> updates = {run.MakeUpdate(0), run.MakeUpdate(1), run.MakeUpdate(2)};
  SampleSender second(run, 0, offer, updates[0], {.sequence = 2});
  const Progress progress = ProgressOf(host.Say(0, second.begin()));
  EXPECT_EQ(progress.next, 0u);
  EXPECT_GT(progress.credit, 0u);
  for (uint64_t i = 0; i < second.chunk_count(); ++i) host.Say(0, second.chunk(i));
  host.Upload(1, updates[1]);
  host.Upload(2, updates[2]);
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
}

TEST(UploadTest, RepeatsHaveNoEffect) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const Offer offer = host.GetOffer(0);
  SampleSender sender(run, 0, offer, run.MakeUpdate(0), {});
  host.Say(0, sender.begin());
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    const Progress again = ProgressOf(host.Say(0, sender.begin()));
    EXPECT_EQ(again.next, i);
    EXPECT_EQ(again.header, sender.header_digest());
    if (i > 0) {
      EXPECT_EQ(host.SayOne(0, sender.chunk(i - 1)), "progress");
    }
    host.Say(0, sender.chunk(i));
  }
  // Committed: whatever comes again is answered with the same receipt, and folded no second time.
  const Digest sum = host.round->SumFingerprint();
  const Bytes receipt = As<ReceiptMessage>(host.Say(0, host.QueryOf(0)).at(0)).receipt;
  EXPECT_EQ(As<ReceiptMessage>(host.Say(0, sender.begin()).at(0)).receipt, receipt);
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    EXPECT_EQ(As<ReceiptMessage>(host.Say(0, sender.chunk(i)).at(0)).receipt, receipt);
  }
  SampleSender anew(run, 0, offer, run.MakeUpdate(5), {.sequence = 2});
  EXPECT_EQ(As<ReceiptMessage>(host.Say(0, anew.begin()).at(0)).receipt, receipt);
  EXPECT_EQ(host.round->SumFingerprint(), sum);
}

// Its updates are longer than a window, in small chunks.
SampleRun LargeRun() {
  SampleRun run = SampleRun::Make();
  run.plan.tensors = {{.name = "big", .dtype = Dtype::kF32, .shape = {1'300'000}}};
  run.plan.chunk_bytes = 4096;
  run.plan.staging_bytes_max = SealedUpdateBytes(run.plan);
  run.base_model.resize(ModelFileSizeBytes(run.plan.tensors));
  run.Sign();
  return run;
}

TEST(UploadTest, CreditIsAWindowAndProgressComesWhenHalfIsUsed) {
  SampleRun run = LargeRun();
  // Small chunks are bounded by their number, large ones by their bytes.
  for (const auto& [chunk_bytes, window] : {std::pair{4096, 128}, std::pair{65'536, 64}}) {
    run.plan.chunk_bytes = chunk_bytes;
    run.Sign();
    SampleHost host(run);
    SampleSender sender(run, 0, host.GetOffer(0),
                        {.weight = Weight(1), .payload = Bytes(run.layout().size_bytes)}, {});
    const uint64_t chunks = sender.chunk_count();
    ASSERT_GT(chunks, static_cast<uint64_t>(window));
    EXPECT_EQ(ProgressOf(host.Say(0, sender.begin())).credit, static_cast<uint64_t>(window));
    std::vector<uint64_t> told;
    std::vector<uint64_t> expected;
    for (uint64_t i = 1; i < chunks; ++i) {
      if (i % (window / 2) == 0) expected.push_back(i);
      const std::vector<Message> answers = host.Say(0, sender.chunk(i - 1));
      if (answers.empty()) continue;
      const Progress progress = ProgressOf(answers);
      EXPECT_EQ(progress.next, i);
      EXPECT_EQ(progress.credit, std::min<uint64_t>(window, chunks - i));
      told.push_back(i);
    }
    EXPECT_EQ(told, expected);
    EXPECT_EQ(host.SayOne(0, sender.chunk(chunks - 1)), "receipt");
  }
}

TEST(UploadTest, WhatOthersAskKeepsNoProgressFromTheSender) {
  const SampleRun run = LargeRun();
  SampleHost host(run);
  SampleSender sender(run, 0, host.GetOffer(0),
                      {.weight = Weight(1), .payload = Bytes(run.layout().size_bytes)}, {});
  host.Say(0, sender.begin());
  for (uint64_t i = 0; i < kCreditChunks / 2; ++i) {
    EXPECT_EQ(ProgressOf(host.Say(1, host.QueryOf(0))).next, i);
    EXPECT_EQ(host.Say(0, sender.chunk(i)).size(), i + 1 == kCreditChunks / 2 ? 1u : 0u);
  }
}

TEST(UploadTest, CreditGrowsOverADistance) {
  const SampleRun run = LargeRun();
  for (const uint64_t there_and_back_ms : {0, 100}) {
    SampleHost host(run);
    SampleSender sender(run, 0, host.GetOffer(0),
                        {.weight = Weight(1), .payload = Bytes(run.layout().size_bytes)}, {});
    Progress told = ProgressOf(host.Say(0, sender.begin()));
    const uint64_t first = told.credit;
    uint64_t sent = 0;
    while (sent < sender.chunk_count()) {
      host.now_ms += there_and_back_ms;
      for (const uint64_t end = told.next + told.credit; sent < end; ++sent) {
        const std::vector<Message> answers = host.Say(0, sender.chunk(sent));
        if (!answers.empty() && TypeOf(answers[0]) == Progress::kType) told = ProgressOf(answers);
        EXPECT_LE(told.credit, first * kCreditGrowthMax);
        if (there_and_back_ms == 0) {
          EXPECT_LE(told.credit, first);
        }
        if (sent == sender.chunk_count() / 2 && there_and_back_ms > 0) {
          EXPECT_GT(told.credit, 2 * first);
        }
      }
    }
    EXPECT_EQ(TypeOf(host.Say(0, host.QueryOf(0)).at(0)), ReceiptMessage::kType);
  }
}

class StagingTest : public ::testing::Test {
 protected:
  StagingTest() {
    run.plan.staging_bytes_max = 2 * SealedUpdateBytes(run.plan) - 1;  // room for one
    run.Sign();
    host = std::make_unique<SampleHost>(run);
    for (size_t party = 0; party < 4; ++party) {
      updates.push_back(run.MakeUpdate(party));
      senders.emplace_back(run, party, host->GetOffer(party), updates[party],
                           SampleSender::Options{});
    }
  }
  Progress Begin(size_t party) { return ProgressOf(host->Say(party, senders[party].begin())); }
  Progress Query(size_t party) { return ProgressOf(host->Say(party, host->QueryOf(party))); }
  void SendAll(size_t party, uint64_t from = 0) {
    for (uint64_t i = from; i < senders[party].chunk_count(); ++i) {
      EXPECT_EQ(host->Code(party, senders[party].chunk(i)), "");
    }
  }
  uint64_t Staged() {
    host->Inspect();
    return As<RoundState>(host->to_host.back()).staged_bytes;
  }

  SampleRun run = SampleRun::Make(4);
  std::unique_ptr<SampleHost> host;
  std::vector<SampleUpdate> updates;
  std::vector<SampleSender> senders;
};

TEST_F(StagingTest, WhoFindsNoRoomWaitsInLine) {
  EXPECT_GT(Begin(0).credit, 0u);
  EXPECT_EQ(Begin(1).credit, 0u);
  EXPECT_EQ(Begin(2).credit, 0u);
  EXPECT_LE(Staged(), run.plan.staging_bytes_max);
  EXPECT_EQ(host->Code(1, senders[1].chunk(0)), "chunk_without_credit");
  host->inbox.clear();
  SendAll(0);
  // The first in line hears of its room unasked; the second does not.
  ASSERT_EQ(host->inbox[1].size(), 1u);
  EXPECT_GT(As<Progress>(host->inbox[1][0]).credit, 0u);
  EXPECT_EQ(host->inbox[2].size(), 0u);
  EXPECT_LE(Staged(), run.plan.staging_bytes_max);
  SendAll(1);
  SendAll(2);
  EXPECT_EQ(Staged(), 0u);
  Begin(3);
  SendAll(3);
  EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, updates));
}

TEST_F(StagingTest, ADiscardedUploadMakesRoom) {
  SampleUpdate bad = updates[0];
  testing::SetElement(run.layout(), 0, 0, 2.0, bad.payload);
  SampleSender sender(run, 0, host->GetOffer(0), bad, {.sequence = 5});
  host->Say(0, sender.begin());
  EXPECT_EQ(Begin(1).credit, 0u);
  host->inbox.clear();
  std::string code;
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) code = host->Code(0, sender.chunk(i));
  EXPECT_EQ(code, "out_of_range");
  ASSERT_EQ(host->inbox[1].size(), 1u);
  EXPECT_GT(As<Progress>(host->inbox[1][0]).credit, 0u);
  SendAll(1);
}

TEST_F(StagingTest, AStalledUploadGivesUpItsRoomOnlyWhenOthersWait) {
  const uint64_t stall_ms = 60'000;  // a tenth of the deadline
  Begin(0);
  host->Say(0, senders[0].chunk(0));
  EXPECT_EQ(host->round->next_tick_ms(), 1000u + 600'000);
  host->Tick(1000 + 2 * stall_ms);
  EXPECT_EQ(Query(0).next, 1u);  // no one waits
  host->now_ms = 1000 + 2 * stall_ms;
  host->Say(0, senders[0].chunk(1));
  EXPECT_EQ(Begin(1).credit, 0u);
  EXPECT_EQ(host->round->next_tick_ms(), 1000 + 3 * stall_ms);
  host->Tick(1000 + 3 * stall_ms - 1);
  EXPECT_EQ(Query(0).next, 2u);
  host->inbox.clear();
  host->Tick(1000 + 3 * stall_ms);
  EXPECT_EQ(As<Progress>(host->inbox[0].at(0)).header, std::nullopt);  // both are told
  EXPECT_GT(As<Progress>(host->inbox[1].at(0)).credit, 0u);
  EXPECT_EQ(host->Code(0, senders[0].chunk(2)), "no_upload");
  // It starts over behind who waited.
  SampleSender again(run, 0, host->GetOffer(0), updates[0], {.sequence = Query(0).sequence + 1});
  EXPECT_EQ(ProgressOf(host->Say(0, again.begin())).credit, 0u);
  SendAll(1);
  EXPECT_GT(Query(0).credit, 0u);
  for (uint64_t i = 0; i < again.chunk_count(); ++i) host->Say(0, again.chunk(i));
  Begin(2);
  SendAll(2);
  Begin(3);
  SendAll(3);
  EXPECT_EQ(host->model_file,
            run.ExpectedModel(run.base_model, {updates[1], updates[0], updates[2], updates[3]}));
}

TEST_F(StagingTest, AStalledUploadGivesWayToWhoComesLater) {
  Begin(0);
  host->now_ms += 60'000;
  EXPECT_GT(Begin(1).credit, 0u);
  EXPECT_EQ(Query(0).header, std::nullopt);
}

// A chunk within every stall period is too little while others wait.
TEST_F(StagingTest, ATricklerGivesUpItsRoomWhenOthersWait) {
  const uint64_t stall_ms = 60'000;
  ASSERT_EQ(senders[0].chunk_count(), 5u);
  Begin(0);
  Begin(1);
  for (uint64_t i = 0; i < 4; ++i) {  // a quarter, two chunks, within every period
    host->Tick(host->now_ms += stall_ms / 2 - 1);
    EXPECT_EQ(host->Code(0, senders[0].chunk(i)), "");
  }
  host->Tick(host->now_ms += stall_ms - 1);
  EXPECT_EQ(Query(0).next, 4u);
  SendAll(0, 4);
  EXPECT_GT(Query(1).credit, 0u);
  Begin(2);
  for (uint64_t i = 0; i < 2; ++i) {
    EXPECT_EQ(host->Code(1, senders[1].chunk(i)), "");
    host->Tick(host->now_ms += stall_ms / 2);
  }
  EXPECT_EQ(host->Code(1, senders[1].chunk(2)), "");
  host->Tick(host->now_ms += stall_ms / 2);
  EXPECT_EQ(Query(1).header, std::nullopt);
  EXPECT_GT(Query(2).credit, 0u);
}

TEST_F(StagingTest, StartingOverGivesNoMoreTime) {
  const uint64_t stall_ms = 60'000;
  Begin(0);
  Begin(1);
  host->Tick(host->now_ms += stall_ms / 2);
  SampleSender again(run, 0, host->GetOffer(0), updates[0], {.sequence = 2});
  EXPECT_GT(ProgressOf(host->Say(0, again.begin())).credit, 0u);
  host->Tick(host->now_ms += stall_ms / 2 - 1);
  EXPECT_EQ(Query(1).credit, 0u);
  host->Tick(host->now_ms += 1);
  EXPECT_GT(Query(1).credit, 0u);
}

TEST_F(StagingTest, StartingOverKeepsRoomAndPlaceInLine) {
  Begin(0);
  host->Say(0, senders[0].chunk(0));
  Begin(1);
  Begin(2);
  SampleSender again0(run, 0, host->GetOffer(0), updates[0], {.sequence = 2});
  EXPECT_GT(ProgressOf(host->Say(0, again0.begin())).credit, 0u);
  SampleSender again1(run, 1, host->GetOffer(1), updates[1], {.sequence = 2});
  EXPECT_EQ(ProgressOf(host->Say(1, again1.begin())).credit, 0u);
  for (uint64_t i = 0; i < again0.chunk_count(); ++i) host->Say(0, again0.chunk(i));
  EXPECT_GT(Query(1).credit, 0u);
  EXPECT_EQ(Query(2).credit, 0u);
}

TEST_F(StagingTest, TheSessionOfTheLastHeaderHearsOfRoom) {
  Begin(0);
  Begin(1);
  // Participant 1 comes back on another session and says begin again; session 3 asks in its name.
  host->Say(2, senders[1].begin());
  host->Say(3, host->QueryOf(1));
  host->inbox.clear();
  SendAll(0);
  EXPECT_EQ(host->inbox[2].size(), 1u);
  EXPECT_TRUE(host->inbox[1].empty());
  EXPECT_TRUE(host->inbox[3].empty());
}

}  // namespace
}  // namespace sealfold
