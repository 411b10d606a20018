// However many leaves, and however the participants are spread over them: the bits of one
// aggregator.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "aggregator/core/cascade/testing_cascade.h"
#include "aggregator/core/publish/round_record.h"
#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing_cascade::Leaf;
using testing_cascade::Member;
using testing_cascade::Publish;
using testing_cascade::Receive;
using testing_cascade::SampleRun;
using testing_cascade::SampleUpdate;
using testing_cascade::Send;

constexpr size_t kParties = 24;

class CascadeTest : public ::testing::TestWithParam<size_t> {
 protected:
  CascadeTest() {
    for (size_t party = 0; party < kParties; ++party) updates_.push_back(run_.MakeUpdate(party));
  }

  const uint64_t seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, absl::StrCat("seed ", seed_)};
  SampleRun run_ = SampleRun::Make(kParties);
  std::vector<SampleUpdate> updates_;
};
INSTANTIATE_TEST_SUITE_P(Leaves, CascadeTest, ::testing::Values(1, 2, 4, 16));

TEST_P(CascadeTest, GivesTheSumAndTheModelOfOneAggregator) {
  SampleHost one(run_);
  for (size_t party = 0; party < kParties; ++party) one.Upload(party, updates_[party]);
  ASSERT_TRUE(one.round->over());

  // Every leaf has a participant, the others go anywhere; leaves are added in any order.
  std::vector<std::unique_ptr<Leaf>> leaves;
  for (size_t i = 0; i < GetParam(); ++i) leaves.push_back(std::make_unique<Leaf>(run_, i + 1));
  std::vector<size_t> order(kParties);
  for (size_t i = 0; i < kParties; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random_);
  for (size_t i = 0; i < kParties; ++i) {
    Leaf& leaf = *leaves[i < leaves.size() ? i : random_() % leaves.size()];
    leaf.Upload(order[i], updates_[order[i]]);
  }
  const Member root(run_, 0);
  RootSum sum = *RootSum::Make(root.terms);
  std::shuffle(leaves.begin(), leaves.end(), random_);
  for (const auto& leaf : leaves) {
    auto partial = Receive(root, leaf->peer(), Send(*leaf, leaf->folded(), root));
    ASSERT_TRUE(partial.ok()) << partial.status();
    ASSERT_TRUE(sum.Add(*partial).ok());
  }

  Leaf all(run_, 99);
  for (size_t party = 0; party < kParties; ++party) all.Upload(party, updates_[party]);
  EXPECT_EQ(sum.sum(), all.folded().sum);
  EXPECT_EQ(sum.weight_sum(), all.folded().weight_sum);
  EXPECT_EQ(Publish(run_, root, sum), one.model_file);
  EXPECT_EQ(one.model_file, run_.ExpectedModel(run_.base_model, updates_));
  // The record is as anyone checks it offline.
  const RecordFile file{.plan = run_.signed_plan.bytes,
                        .record = SignRoundRecord(root.terms, root.keys, sum.log(),
                                                  sum.weight_sum(), Sha256(one.model_file)),
                        .binding = root.peer().binding(),
                        .platform = "test",
                        .evidence = {},
                        .log = sum.log(),
                        .model_keys = {}};
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(file);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(CheckRecordChain(nullptr, *checked).ok());
  const CheckedRecord of_one = *CheckRecordFile(*one.record_file);
  EXPECT_EQ(checked->record.error_max, of_one.record.error_max);
  EXPECT_EQ(checked->record.weight_sum, of_one.record.weight_sum);
  // Its log has each update once, as the leaf logged it.
  ASSERT_EQ(sum.log().size(), kParties);
  for (const auto& leaf : leaves) {
    for (const LogEntry& entry : leaf->intake->log()) {
      EXPECT_TRUE(std::any_of(sum.log().begin(), sum.log().end(), [&](const LogEntry& merged) {
        return merged.participant == entry.participant && merged.header == entry.header &&
               merged.tags == entry.tags;
      }));
    }
  }
}

TEST_P(CascadeTest, ARootMayBeTheLeafOfAnother) {
  const Member top(run_, 0);
  RootSum total = *RootSum::Make(top.terms);
  size_t party = 0;
  for (uint64_t middle = 1; middle <= 2; ++middle) {
    const Member root(run_, 100 * middle);
    RootSum sum = *RootSum::Make(root.terms);
    for (size_t i = 0; i < GetParam() && party < kParties; ++i) {
      Leaf leaf(run_, 100 * middle + 1 + i);
      leaf.Upload(party, updates_[party]);
      ++party;
      ASSERT_TRUE(sum.Add(*Receive(root, leaf.peer(), Send(leaf, leaf.folded(), root))).ok());
    }
    if (sum.log().empty()) continue;
    auto partial = Receive(top, root.peer(), Send(root, sum.folded(), top));
    ASSERT_TRUE(partial.ok()) << partial.status();
    ASSERT_TRUE(total.Add(*partial).ok());
  }
  updates_.resize(party);
  EXPECT_EQ(Publish(run_, top, total), run_.ExpectedModel(run_.base_model, updates_));
}

}  // namespace
}  // namespace sealfold
