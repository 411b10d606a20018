#include "aggregator/host/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "aggregator/host/testing/federation.h"

namespace sealfold {
namespace {

using testing::ExamplePlan;
using testing::Federation;
using ::testing::HasSubstr;
using testing::ModelBytes;
using testing::Refusal;
using testing::RunFolder;
using testing::Types;

class RunPublishTest : public testing::RunTest {};

TEST(RunBase, TheModelOfTheRoundBeforeInPartsAndNoMore) {
  RunFolder folder(ExamplePlan(3, 40'000));
  Federation f(folder);
  f.Launch();
  f.Connect();
  f.TellNone();
  f.Publish(1, 1);
  const Bytes base = ModelBytes(folder.plan().plan, 1);
  ASSERT_GT(base.size(), kPartBytesMax);
  ASSERT_EQ(f.Tell(WantBase{.offset = 8, .length = 100}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk, Bytes(base.begin() + 8, base.begin() + 108));
  EXPECT_EQ(cbor::DecodeFields<Base>(f.sent()[0].head)->offset, 8u);
  ASSERT_EQ(f.Tell(WantBase{.offset = 0, .length = uint64_t{1} << 60}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk.size(), kPartBytesMax);
  ASSERT_EQ(f.Tell(WantBase{.offset = base.size() - 3, .length = 100}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk.size(), 3u);
  EXPECT_EQ(f.Tell(WantBase{.offset = base.size() + 1, .length = 100}), Types{});
  EXPECT_TRUE(f.run().broken().ok());
}

// The aggregator asks but once: without an answer the round would stay where it is.
TEST_F(RunPublishTest, AModelThatCannotBeReadEndsTheProgram) {
  Begin();
  f_.Publish(1, 1);
  std::filesystem::remove(folder_.Path("model-1.safetensors"));
  EXPECT_EQ(f_.Tell(WantBase{.offset = 0, .length = 10}), Types{});
  EXPECT_EQ(ErrorCode(f_.run().broken()), "file_unreadable");
}

TEST_F(RunPublishTest, AModelWithAHoleIsNotPublished) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  ASSERT_EQ(steps.size(), 5u);
  steps[2]();
  EXPECT_EQ(f_.Finish(1, 1), Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));
  EXPECT_EQ(f_.run().status().records, 0u);
  EXPECT_FALSE(folder_.Has("record-1.cbor"));
  EXPECT_FALSE(folder_.Has("model-1.safetensors"));
}

TEST_F(RunPublishTest, AResultThatWaitedForTheHostIsTakenBeforeAnythingIsAsked) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  for (bool whole : {false, true}) {
    f_.RestartHost();
    f_.Connect();
    if (whole) steps[2]();
    steps[3]();
    EXPECT_EQ(f_.Finish(1, 1), Types{});
    EXPECT_EQ(f_.run().status().records, whole ? 1u : 0u);
  }
  EXPECT_EQ(f_.TellNone(), Types{"start"});
  EXPECT_EQ(f_.sent_start().round, Round(2));
  EXPECT_EQ(f_.sent_start().attempt, Attempt(1));
}

TEST_F(RunPublishTest, AModelMayStartOver) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  for (size_t i : {2u, 3u, 3u, 2u, 3u, 4u})
    steps[i]();  // whole, one part too many, then whole again
  EXPECT_EQ(f_.run().status().records, 1u);
}

TEST_F(RunPublishTest, AResultThatDoesNotFitIsNotPublished) {
  const Bytes model = ModelBytes(folder_.plan().plan, 1);
  struct Case {
    std::string name;
    std::function<Bytes(const RunFolder&)> record;
  };
  RunFolder other(ExamplePlan(4));
  const Case cases[] = {
      {"another round", [](const RunFolder& f) { return f.RecordBytes(2, 1, std::nullopt); }},
      {"another attempt", [](const RunFolder& f) { return f.RecordBytes(1, 2, std::nullopt); }},
      {"another plan",
       [&other](const RunFolder&) { return other.RecordBytes(1, 1, std::nullopt); }},
      {"a round before the first",
       [](const RunFolder& f) { return f.RecordBytes(1, 1, f.RecordBytes(1, 1, std::nullopt)); }},
      {"one bit changed",
       [](const RunFolder& f) {
         Bytes bytes = f.RecordBytes(1, 1, std::nullopt);
         bytes[bytes.size() / 2] ^= 1;
         return bytes;
       }},
      {"nothing", [](const RunFolder&) { return Bytes(); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RunFolder folder;
    Federation f(folder);
    f.Launch();
    f.Connect();
    f.TellNone();
    const auto steps = f.PublishingSteps(1, 1);
    steps[2]();
    steps[3]();
    EXPECT_EQ(f.Tell(Finished{.round = Round(1)}, c.record(folder)), Types{"start"});
    EXPECT_TRUE(f.run().broken().ok()) << f.run().broken();
    EXPECT_FALSE(folder.Has("record-1.cbor"));
    EXPECT_FALSE(folder.Has("model-1.safetensors"));
  }
  // The right record over a model with one byte changed.
  Begin();
  Bytes changed = model;
  changed.back() ^= 1;
  f_.Tell(ModelPart{.offset = 0}, changed);
  EXPECT_EQ(f_.Finish(1, 1), Types{"start"});
  EXPECT_FALSE(folder_.Has("model-1.safetensors"));
}

TEST_F(RunPublishTest, ClosingIsRefusedOrAnsweredByTheAggregator) {
  RunOutput out;
  EXPECT_EQ(ErrorCode(f_.run().Close(out)), "aggregator_absent");
  f_.Connect();
  f_.TellNone();
  EXPECT_EQ(ErrorCode(f_.run().Close(out)), "no_round");
  f_.Launch();
  f_.TellState(1, 1, 0);
  EXPECT_EQ(f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); }), Types{"close"});
  EXPECT_FALSE(f_.close_answer().has_value());
  EXPECT_EQ(f_.Tell(Refusal("quorum_missing")), Types{});
  EXPECT_EQ(ErrorCode(f_.close_answer().value_or(absl::OkStatus())), "quorum_missing");
  f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); });
  f_.Tell(WantBase{.offset = 0, .length = 10});
  ASSERT_TRUE(f_.close_answer().has_value());
  EXPECT_TRUE(f_.close_answer()->ok());
  f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); });
  f_.After([&](RunOutput& o) { f_.run().OnAggregatorGone(o); });
  EXPECT_EQ(ErrorCode(f_.close_answer().value_or(absl::OkStatus())), "aggregator_absent");
}

TEST_F(RunPublishTest, APublicationThatStopsIsAskedForAgain) {
  Begin();
  f_.TellState(1, 1, 3);
  f_.Tell(WantBase{.offset = 0, .length = 10});
  uint64_t last_ms = 0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(f_.Tell(Refusal("base_wrong")), Types{});
    EXPECT_THAT(f_.run().status().detail, HasSubstr("base_wrong"));
    EXPECT_EQ(f_.Tick(), Types{});
    last_ms = f_.now_ms();
    while (f_.Tick() != Types{"close"}) {
      ++f_.now_ms();
      ASSERT_LE(f_.now_ms() - last_ms, 60'000u);
    }
    EXPECT_EQ(f_.Tick(), Types{});
  }
  EXPECT_EQ(f_.now_ms() - last_ms, 60'000u);
  f_.Publish(1, 1);
  EXPECT_EQ(f_.run().status().records, 1u);
}

}  // namespace
}  // namespace sealfold
