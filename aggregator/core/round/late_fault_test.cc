// What is wrong with an update shows when it is folded: its sender hears of it, the sum has no
// trace of it, and the sender can go on.
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

Message Flipped(Message chunk) {
  testing::ChangeBulk(chunk, [](Bytes& bulk) { bulk[bulk.size() / 2] ^= 8; });
  return chunk;
}

class LateFaultTest : public ::testing::Test {
 protected:
  LateFaultTest() {
    for (size_t party = 0; party < 3; ++party) updates.push_back(run.MakeUpdate(party));
    host.Upload(0, updates[0]);  // so that a trace would be seen on more than zeros
    sum = host.round->SumFingerprint();
  }
  // Chunks from `from` on, that of number `broken` with a bit flipped; what the last is answered.
  static std::vector<Message> SendAll(SampleHost& to, SampleSender& sender, uint64_t from = 0,
                                      uint64_t broken = UINT64_MAX) {
    std::vector<Message> answers;
    for (uint64_t i = from; i < sender.chunk_count(); ++i) {
      answers = to.Say(1, i == broken ? Flipped(sender.chunk(i)) : sender.chunk(i));
    }
    return answers;
  }
  std::vector<Message> SendAll(SampleSender& sender, uint64_t from = 0,
                               uint64_t broken = UINT64_MAX) {
    return SendAll(host, sender, from, broken);
  }
  // That the upload was refused for its chunk `chunk` and goes on from there.
  Progress ExpectBroken(const std::vector<Message>& answers, uint64_t chunk) {
    return ExpectBroken(host, answers, chunk);
  }
  Progress ExpectBroken(const SampleHost& at, const std::vector<Message>& answers,
                        uint64_t chunk) const {
    EXPECT_EQ(answers.size(), 2u);
    EXPECT_EQ(As<RefusedMessage>(answers.at(0)).code, "seal_broken");
    Progress progress = As<Progress>(answers.at(1));
    EXPECT_EQ(progress.next, chunk);
    EXPECT_GT(progress.credit, 0u);
    EXPECT_EQ(at.round->SumFingerprint(), sum);
    return progress;
  }
  void ExpectModelOfAll() {
    host.Upload(2, updates[2]);
    EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
    EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
  }

  const SampleRun run = SampleRun::Make();
  SampleHost host{run};
  const Offer offer = host.GetOffer(1);
  std::vector<SampleUpdate> updates;
  Digest sum;
};

TEST_F(LateFaultTest, ABrokenChunkIsWhereTheUploadGoesOn) {
  for (const uint64_t broken : {0, 2, 4}) {
    SampleHost fresh(run);
    fresh.Upload(0, updates[0]);
    const Offer its_offer = fresh.GetOffer(1);
    SampleSender sender(run, 1, its_offer, updates[1], {});
    fresh.Say(1, sender.begin());
    const Progress progress = ExpectBroken(fresh, SendAll(fresh, sender, 0, broken), broken);
    EXPECT_EQ(progress.header, sender.header_digest());
    EXPECT_EQ(As<Progress>(fresh.Say(1, fresh.QueryOf(1)).at(0)).next, broken);
    // Under a new header from there, or from the start.
    SampleSender rest(
        run, 1, its_offer, updates[1],
        {.sequence = 2, .start = broken, .continues = broken > 0 ? progress.header : std::nullopt});
    EXPECT_EQ(As<Progress>(fresh.Say(1, rest.begin()).at(0)).next, broken);
    const std::vector<Message> last = SendAll(fresh, rest, broken);
    const absl::StatusOr<LogEntry> entry =
        OpenReceipt(As<ReceiptMessage>(last.at(0)).receipt, its_offer.binding.record_key);
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(entry->header, rest.header_digest());
    fresh.Upload(2, updates[2]);
    EXPECT_EQ(fresh.model_file, run.ExpectedModel(run.base_model, updates));
  }
}

TEST_F(LateFaultTest, WhatWasSealedMayComeAgain) {
  SampleSender sender(run, 1, offer, updates[1], {});
  host.Say(1, sender.begin());
  ExpectBroken(SendAll(sender, 0, 3), 3);
  EXPECT_EQ(TypeOf(SendAll(sender, 3).at(0)), "receipt");
  ExpectModelOfAll();
}

TEST_F(LateFaultTest, BeforeTheLastHeaderOnlyANewOneGoesOn) {
  SampleSender first(run, 1, offer, updates[1], {});
  host.Say(1, first.begin());
  host.Say(1, first.chunk(0));
  host.Say(1, Flipped(first.chunk(1)));
  host.Say(1, first.chunk(2));
  SampleSender second(run, 1, offer, updates[1],
                      {.sequence = 2, .start = 3, .continues = first.header_digest()});
  host.Say(1, second.begin());
  const Progress progress = ExpectBroken(SendAll(second, 3), 1);
  EXPECT_EQ(progress.header, second.header_digest());
  // What the host may have kept of the first header is of no use.
  EXPECT_EQ(host.Code(1, first.chunk(1)), "header_needed");
  SampleSender third(run, 1, offer, updates[1],
                     {.sequence = 3, .start = 1, .continues = second.header_digest()});
  EXPECT_EQ(host.SayOne(1, third.begin()), "progress");
  EXPECT_EQ(TypeOf(SendAll(third, 1).at(0)), "receipt");
  ExpectModelOfAll();
}

// Having one's update folded for nothing is possible once, in however many uploads.
TEST_F(LateFaultTest, AfterABrokenSealEveryChunkIsOpenedAsItComes) {
  SampleSender sender(run, 1, offer, updates[1], {});
  host.Say(1, sender.begin());
  ExpectBroken(SendAll(sender, 0, 4), 4);
  const std::vector<Message> again = host.Say(1, Flipped(sender.chunk(4)));
  EXPECT_EQ(As<Progress>(again.at(0)).next, 4u);
  EXPECT_EQ(As<RefusedMessage>(again.at(1)).code, "seal_broken");
  SampleSender anew(run, 1, offer, updates[1], {.sequence = 2});
  host.Say(1, anew.begin());
  EXPECT_EQ(host.Code(1, Flipped(anew.chunk(0))), "seal_broken");
  EXPECT_EQ(host.round->SumFingerprint(), sum);
  EXPECT_EQ(TypeOf(SendAll(anew).at(0)), "receipt");
  ExpectModelOfAll();
}

TEST_F(LateFaultTest, OfSeveralThatAreOpenedThoseBeforeTheBrokenOneAreTaken) {
  SampleSender sender(run, 1, offer, updates[1], {});
  host.Say(1, sender.begin());
  ExpectBroken(SendAll(sender, 0, 1), 1);
  Message rest = sender.chunks(1, sender.chunk_count());
  testing::ChangeBulk(rest, [&](Bytes& bulk) { bulk[run.plan.chunk_bytes + kAeadTagSize] ^= 1; });
  const std::vector<Message> answers = host.Say(1, rest);
  EXPECT_EQ(As<Progress>(answers.at(0)).next, 2u);
  EXPECT_EQ(As<RefusedMessage>(answers.at(1)).code, "seal_broken");
  EXPECT_EQ(TypeOf(SendAll(sender, 2).at(0)), "receipt");
  ExpectModelOfAll();
}

TEST_F(LateFaultTest, TooManyHeadersDiscardTheUpload) {
  std::vector<SampleSender> senders;
  senders.emplace_back(run, 1, offer, updates[1], SampleSender::Options{});
  host.Say(1, senders[0].begin());
  for (uint64_t i = 0; i < kHeadersMin; ++i) {
    host.Say(1, senders[i].chunk(i));
    senders.emplace_back(
        run, 1, offer, updates[1],
        SampleSender::Options{
            .sequence = i + 2, .start = i + 1, .continues = senders[i].header_digest()});
    EXPECT_EQ(host.Code(1, senders[i + 1].begin()), i + 1 < kHeadersMin ? "" : "headers_too_many");
  }
  EXPECT_EQ(As<Progress>(host.Say(1, host.QueryOf(1)).at(0)).header, std::nullopt);
  SampleSender anew(run, 1, offer, updates[1], {.sequence = 9});
  host.Say(1, anew.begin());
  EXPECT_EQ(TypeOf(SendAll(anew).at(0)), "receipt");
  ExpectModelOfAll();
}

TEST_F(LateFaultTest, ACompleteUploadIsFinal) {
  host.fold_at_once = false;
  SampleSender sender(run, 1, offer, updates[1], {});
  host.Say(1, sender.begin());
  EXPECT_TRUE(SendAll(sender).empty());
  EXPECT_EQ(host.round->folding(), 1u);
  SampleSender other(run, 1, offer, run.MakeUpdate(77), {.sequence = 2});
  const Progress progress = As<Progress>(host.Say(1, other.begin()).at(0));
  EXPECT_EQ(progress.header, sender.header_digest());
  EXPECT_EQ(progress.next, sender.chunk_count());
  EXPECT_EQ(progress.credit, 0u);
  EXPECT_EQ(host.SayOne(1, other.chunk(0)), "progress");
  host.fold_at_once = true;
  EXPECT_EQ(TypeOf(host.Say(1, host.QueryOf(1)).back()), "receipt");
  ExpectModelOfAll();
}

// What is sent unasked goes to who last showed that it has the key.
TEST_F(LateFaultTest, TheSessionOfTheLastChunkHears) {
  SampleSender sender(run, 1, offer, updates[1], {});
  host.Say(1, sender.begin());
  for (uint64_t i = 0; i < 3; ++i) host.Say(1, sender.chunk(i));
  host.Say(2, sender.chunk(3));
  host.inbox.clear();
  host.fold_at_once = false;
  host.Say(2, sender.chunk(4));
  host.Say(0, host.QueryOf(1));
  host.fold_at_once = true;
  host.Tick(host.now_ms);
  EXPECT_EQ(TypeOf(host.inbox[2].back()), "receipt");
  EXPECT_TRUE(host.inbox[1].empty());
}

}  // namespace
}  // namespace sealfold
