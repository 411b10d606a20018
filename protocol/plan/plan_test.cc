#include "protocol/plan/plan.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::CoordinatorKey;
using testing::ExamplePlan;

TEST(PlanTest, SignedAndOpenedIsTheSamePlan) {
  SignedPlan made = SignPlan(ExamplePlan(), CoordinatorKey());
  absl::StatusOr<SignedPlan> opened = OpenPlan(made.bytes);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->plan, made.plan);
  EXPECT_EQ(opened->coordinator, CoordinatorKey().public_key());
  EXPECT_EQ(opened->digest, made.digest);
}

TEST(PlanTest, AnEncodingIsPartOfThePlanAndItsAbsenceChangesNoByte) {
  Plan plan = ExamplePlan();
  const Bytes dense = SignPlan(plan, CoordinatorKey()).bytes;
  EXPECT_EQ(AsText(dense).find("update_encoding"), absl::string_view::npos);
  for (const UpdateEncoding& encoding :
       {UpdateEncoding{.block_elements = 128},
        UpdateEncoding{.kind = EncodingKind::kTopK, .block_elements = 4096, .kept = 40}}) {
    plan.update_encoding = encoding;
    const absl::StatusOr<SignedPlan> opened = OpenPlan(SignPlan(plan, CoordinatorKey()).bytes);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->plan, plan);
    EXPECT_LT(plan.payload_layout().size_bytes, ExamplePlan().payload_layout().size_bytes / 3);
  }
}

TEST(PlanTest, EveryFlippedByteAndEveryTruncationIsRefused) {
  const Bytes bytes = SignPlan(ExamplePlan(), CoordinatorKey()).bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= 0x01;
    EXPECT_FALSE(OpenPlan(flipped).ok()) << "byte " << i;
    EXPECT_FALSE(OpenPlan(ByteSpan(bytes).first(i)).ok()) << "first " << i;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(OpenPlan(longer).ok());
}

TEST(PlanTest, EveryBoundIsKeptAndNamed) {
  const std::vector<std::pair<std::string, std::function<void(Plan&)>>> kBreaks = {
      {"plan_name", [](Plan& p) { p.name = ""; }},
      {"plan_name", [](Plan& p) { p.name = "two\nlines"; }},
      {"plan_name", [](Plan& p) { p.name = "\u009B2J"; }},
      {"plan_participants", [](Plan& p) { p.participants[0].name = "\u009B2J"; }},
      {"plan_rounds", [](Plan& p) { p.rounds = 0; }},
      {"plan_rounds", [](Plan& p) { p.rounds = 100'001; }},
      {"plan_participants", [](Plan& p) { p.participants.clear(); }},
      {"plan_participants", [](Plan& p) { p.participants[1].key = p.participants[0].key; }},
      {"plan_participants", [](Plan& p) { p.participants[1].name = p.participants[0].name; }},
      {"plan_quorum", [](Plan& p) { p.quorum = 0; }},
      {"plan_quorum", [](Plan& p) { p.quorum = 4; }},
      {"plan_weight_max", [](Plan& p) { p.weight_max = Weight(0); }},
      {"plan_weight_max", [](Plan& p) { p.weight_max = Weight((1 << 29) + 1); }},
      {"plan_attempts_max", [](Plan& p) { p.attempts_max = 0; }},
      {"plan_deadline_seconds", [](Plan& p) { p.deadline_seconds = 0; }},
      {"plan_chunk_bytes", [](Plan& p) { p.chunk_bytes = 4095; }},
      {"plan_chunk_bytes", [](Plan& p) { p.chunk_bytes = 4100; }},
      {"plan_range", [](Plan& p) { p.range = 0; }},
      {"plan_range", [](Plan& p) { p.range = -1; }},
      {"plan_range", [](Plan& p) { p.range = std::numeric_limits<double>::infinity(); }},
      {"plan_learning_rate", [](Plan& p) { p.learning_rate = 0; }},
      {"plan_staging_bytes_max",
       [](Plan& p) { p.staging_bytes_max -= 1 + p.staging_bytes_max / 3 * 2; }},
      {"encoding_block_elements",
       [](Plan& p) { p.update_encoding = UpdateEncoding{.block_elements = 48}; }},
      {"plan_staging_bytes_max",
       [](Plan& p) {
         p.update_encoding = UpdateEncoding{};
         p.staging_bytes_max = p.payload_layout().size_bytes - 1;
       }},
  };
  ASSERT_TRUE(CheckPlan(ExamplePlan()).ok());
  for (const auto& [code, change] : kBreaks) {
    Plan plan = ExamplePlan();
    change(plan);
    EXPECT_EQ(ErrorCode(CheckPlan(plan)), code);
  }
  Plan plan = ExamplePlan();
  plan.tensors.clear();
  EXPECT_FALSE(CheckPlan(plan).ok());
}

}  // namespace
}  // namespace sealfold
