// Invariant 3: an update is folded wholly, once, under the plan it was sealed for, or leaves no
// trace in the sum.
#include <gtest/gtest.h>

#include <limits>

#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::SeedOf;

class WhollyOnceTest : public ::testing::Test {
 protected:
  Digest Sum() const { return host_.round->SumFingerprint(); }
  SampleRun run_ = SampleRun::Make();
  SampleHost host_{run_};
  Digest empty_ = Sum();
};

TEST_F(WhollyOnceTest, EveryPrefixOfAnUpdateLeavesNoTrace) {
  const SampleUpdate update = run_.MakeUpdate(1);
  SampleSender sender(run_, 0, host_.GetOffer(0), update, {});
  host_.Say(0, sender.begin());
  for (uint64_t i = 0; i + 1 < sender.chunk_count(); ++i) {
    host_.Say(0, sender.chunk(i));
    EXPECT_EQ(Sum(), empty_) << "after chunk " << i;
  }
  EXPECT_EQ(host_.SayOne(0, sender.chunk(sender.chunk_count() - 1)), ReceiptMessage::kType);
  EXPECT_NE(Sum(), empty_);
}

TEST_F(WhollyOnceTest, ASecondTimeChangesNothing) {
  const SampleUpdate update = run_.MakeUpdate(1);
  SampleSender sender(run_, 0, host_.GetOffer(0), update, {});
  host_.Say(0, sender.begin());
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) host_.Say(0, sender.chunk(i));
  const Digest once = Sum();
  // The same messages again, and a whole new upload by the same participant.
  host_.Say(0, sender.begin());
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) host_.Say(0, sender.chunk(i));
  SampleSender again(run_, 0, host_.GetOffer(0), run_.MakeUpdate(2), {.sequence = 2});
  host_.Say(0, again.begin());
  for (uint64_t i = 0; i < again.chunk_count(); ++i) host_.Say(0, again.chunk(i));
  EXPECT_EQ(Sum(), once);
}

TEST_F(WhollyOnceTest, AnUpdateWithOneBadElementLeavesNoTrace) {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity(), run_.plan.range * 1.01}) {
    SampleUpdate update = run_.MakeUpdate(1);
    const PayloadLayout layout = run_.layout();
    testing::SetElement(layout, layout.parts.size() - 1, layout.parts.back().elements - 1, bad,
                        update.payload);
    static uint64_t sequence = 0;
    SampleSender sender(run_, 0, host_.GetOffer(0), update, {.sequence = ++sequence});
    host_.Say(0, sender.begin());
    std::string code;
    for (uint64_t i = 0; i < sender.chunk_count(); ++i) code = host_.Code(0, sender.chunk(i));
    EXPECT_EQ(code, "out_of_range");
    EXPECT_EQ(Sum(), empty_);
  }
}

TEST_F(WhollyOnceTest, AnUpdateWithABrokenSealLeavesNoTraceBesideAnother) {
  for (const uint64_t broken : {0, 2, 4}) {
    SampleHost host(run_);
    host.Upload(1, run_.MakeUpdate(9));
    const Digest before = host.round->SumFingerprint();
    SampleSender sender(run_, 0, host.GetOffer(0), run_.MakeUpdate(1), {});
    host.Say(0, sender.begin());
    std::string code;
    for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
      Message chunk = sender.chunk(i);
      if (i == broken) testing::ChangeBulk(chunk, [&](Bytes& bulk) { bulk[100] ^= 1; });
      code = host.Code(0, chunk);
    }
    EXPECT_EQ(code, "seal_broken");
    EXPECT_EQ(host.round->SumFingerprint(), before) << "chunk " << broken;
  }
}

TEST_F(WhollyOnceTest, AnUpdateForAnotherPlanLeavesNoTrace) {
  SampleRun other = SampleRun::Make();
  other.plan.name = "another";
  other.Sign();
  EnvelopeHeader header = SampleSender::HeaderFor(other, 0, host_.GetOffer(0), {});
  header.plan = other.signed_plan.digest;
  SampleSender sender(other, header, other.parties[0].key, host_.GetOffer(0).hpke_key,
                      other.MakeUpdate(1));
  EXPECT_EQ(host_.Code(0, sender.begin()), "wrong_plan");
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) host_.Say(0, sender.chunk(i));
  EXPECT_EQ(Sum(), empty_);
}

TEST_F(WhollyOnceTest, AnUploadGivenUpAndBegunAnewCountsOnce) {
  SampleSender first(run_, 0, host_.GetOffer(0), run_.MakeUpdate(1), {.sequence = 1});
  host_.Say(0, first.begin());
  host_.Say(0, first.chunk(0));
  SampleSender second(run_, 0, host_.GetOffer(0), run_.MakeUpdate(2), {.sequence = 2});
  host_.Say(0, second.begin());
  for (uint64_t i = 0; i < second.chunk_count(); ++i) host_.Say(0, second.chunk(i));
  SampleHost only_second(run_);
  only_second.Upload(0, run_.MakeUpdate(2));
  EXPECT_EQ(Sum(), only_second.round->SumFingerprint());
}

}  // namespace
}  // namespace sealfold
