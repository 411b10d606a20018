// Invariant 5, at the aggregator: what the host stored of one session is refused by every other,
// and leaves no trace in the sum.
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;

TEST(StoredUploadsAreRefused, ByEveryOtherAggregator) {
  const SampleRun run = SampleRun::Make();
  SampleHost first(run);
  const testing::SampleUpdate update = run.MakeUpdate(1);
  SampleSender stored(run, 0, first.GetOffer(0), update, {});

  SampleHost other_attempt(
      run, {.start = run.FirstStart(2), .seed = testing::SeedOf("round of attempt 2")});
  SampleHost other_keys(run, {.start = run.FirstStart(), .seed = testing::SeedOf("other keys")});
  const std::pair<SampleHost*, std::string> others[] = {{&other_attempt, "wrong_attempt"},
                                                        {&other_keys, "wrong_recipient_key"}};
  for (const auto& [host, code] : others) {
    const Digest nothing = host->round->SumFingerprint();
    EXPECT_EQ(host->Code(0, stored.begin()), code);
    for (uint64_t i = 0; i < stored.chunk_count(); ++i) {
      EXPECT_EQ(host->Code(0, stored.chunk(i)), "no_upload");
    }
    EXPECT_EQ(host->round->SumFingerprint(), nothing);
  }
}

TEST(StoredUploadsAreRefused, ByTheSameAggregatorUnderAnotherHeader) {
  const SampleRun run = SampleRun::Make();
  SampleHost first(run);
  const testing::SampleUpdate update = run.MakeUpdate(1);
  SampleSender stored(run, 0, first.GetOffer(0), update, {});
  // Chunks of one session under the header of another, of the same participant and for the same
  // aggregator.
  SampleSender earlier(run, 1, first.GetOffer(1), update, {});
  SampleSender later(run, 1, first.GetOffer(1), run.MakeUpdate(2), {.sequence = 2});
  const Digest nothing = first.round->SumFingerprint();
  first.Say(1, earlier.begin());
  first.Say(1, later.begin());
  EXPECT_EQ(first.Code(1, earlier.begin()), "header_replayed");
  std::string code;
  for (uint64_t i = 0; i < earlier.chunk_count(); ++i) code = first.Code(1, earlier.chunk(i));
  EXPECT_EQ(code, "seal_broken");
  EXPECT_EQ(testing::As<Progress>(first.Say(1, first.QueryOf(1)).at(0)).next, 0u);
  // Nor is one participant's chunk another's.
  first.Say(0, stored.begin());
  for (uint64_t i = 0; i < stored.chunk_count(); ++i) {
    Message moved = later.chunk(i);
    moved.head =
        cbor::EncodeFields(Chunk{.participant = run.parties[0].key.public_key(), .index = i});
    code = first.Code(0, moved);
  }
  EXPECT_EQ(code, "seal_broken");
  EXPECT_EQ(first.round->SumFingerprint(), nothing);
}

}  // namespace
}  // namespace sealfold
