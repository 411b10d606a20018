// From the final set to the record, with a host that gets in the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"
#include "protocol/model/element.h"

namespace sealfold {
namespace {

using testing::As;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleUpdate;
using testing::TypeOf;

class PublishTest : public ::testing::Test {
 protected:
  void Commit(SampleHost& host) {
    for (size_t party = 0; party < run.parties.size(); ++party) {
      host.Upload(party, run.MakeUpdate(party));
    }
  }
  Bytes Expected() const {
    return run.ExpectedModel(run.base_model,
                             {run.MakeUpdate(0), run.MakeUpdate(1), run.MakeUpdate(2)});
  }
  SampleRun run = SampleRun::Make();
};

TEST_F(PublishTest, NothingIsComputedFromAWrongBase) {
  for (const size_t byte : {size_t{0}, size_t{100}, run.base_model.size() - 1}) {
    SampleHost host(run);
    host.base_file[byte] ^= 1;
    Commit(host);
    EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("base_wrong"));
    EXPECT_FALSE(host.round->over());
    EXPECT_TRUE(host.model_file.empty());
    // The set stays as it is; with the right base the round ends as it would have.
    host.base_file = run.base_model;
    host.Close();
    ASSERT_TRUE(host.round->over());
    EXPECT_EQ(host.model_file, Expected());
    EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
  }
}

TEST_F(PublishTest, ABaseThatEndsEarly) {
  SampleHost host(run);
  host.base_file.pop_back();
  Commit(host);
  EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("base_wrong"));
  EXPECT_TRUE(host.model_file.empty());
}

class PartsTest : public PublishTest {
 protected:
  static constexpr uint64_t kParts = 5;  // more than are asked for at once

  PartsTest() {
    run.plan.tensors = {{.name = "big", .dtype = Dtype::kF32, .shape = {1'200'000}}};
    run.plan.staging_bytes_max = SealedUpdateBytes(run.plan);
    run.plan.chunk_bytes = 1 << 20;
    run.base_model = ModelFileHeader(run.plan.tensors);
    run.base_model.resize(ModelFileSizeBytes(run.plan.tensors));
    run.Sign();
    SEALFOLD_CHECK((run.base_model.size() + kPartBytesMax - 1) / kPartBytesMax == kParts);
    host.emplace(run);
    host->answer_base = false;
    Commit(*host);
    for (const Message& message : host->to_host) Note(message);
  }
  // What the host hears, by its kind.
  void Note(const Message& message) {
    const std::string type = TypeOf(message);
    if (type == WantBase::kType) wanted.push_back(As<WantBase>(message).offset);
    if (type == ModelPart::kType) ++model_parts;
    if (type == RefusedMessage::kType) refused.push_back(As<RefusedMessage>(message).code);
  }
  // Answers the oldest question from `file`.
  uint64_t Give(ByteSpan file) {
    const uint64_t offset = wanted.front();
    wanted.pop_front();
    Actions actions;
    host->round->OnBase(offset, file.subspan(offset, kPartBytesMax), host->now_ms, actions);
    for (const Action& action : actions) Note(std::get<SendMessage>(action).message);
    return offset;
  }
  void EndWell() {
    host->answer_base = true;
    host->Close();
    ASSERT_TRUE(host->round->over());
    EXPECT_EQ(host->model_file, Expected());
  }

  std::optional<SampleHost> host;
  std::deque<uint64_t> wanted;
  uint64_t model_parts = 0;
  std::vector<std::string> refused;
};

// A host that shows the right base first, to pass the check, and another when it is used.
TEST_F(PartsTest, ABaseThatChangesAfterItWasChecked) {
  EXPECT_THAT(wanted, ::testing::ElementsAre(0, 1 << 20, 2 << 20, 3 << 20));  // a few ahead
  Give(run.base_model);
  EXPECT_THAT(wanted, ::testing::ElementsAre(1 << 20, 2 << 20, 3 << 20, 4 << 20));
  for (uint64_t i = 1; i < kParts; ++i) Give(run.base_model);
  ASSERT_EQ(wanted.front(), 0u);  // the second pass
  Give(run.base_model);
  EXPECT_EQ(model_parts, 1u);
  Bytes other = run.base_model;
  other[kPartBytesMax + 5] ^= 1;
  Give(other);
  EXPECT_THAT(refused, ::testing::ElementsAre("base_wrong"));
  EXPECT_EQ(model_parts, 1u);
  EndWell();
}

TEST_F(PartsTest, WhatWasOnItsWayWhenAPartWasWrongIsPassedOver) {
  Give(ByteSpan(run.base_model).first(kPartBytesMax - 1));
  EXPECT_THAT(refused, ::testing::ElementsAre("base_wrong"));
  while (!wanted.empty()) Give(run.base_model);
  EXPECT_THAT(refused, ::testing::ElementsAre("base_wrong"));
  EXPECT_EQ(model_parts, 0u);
  EndWell();
}

TEST_F(PublishTest, PartsThatNobodyAskedFor) {
  SampleHost host(run);
  Actions actions;
  host.round->OnBase(0, run.base_model, host.now_ms, actions);
  EXPECT_EQ(As<RefusedMessage>(std::get<SendMessage>(actions.at(0)).message).code,
            "base_unexpected");
  host.answer_base = false;
  Commit(host);
  actions.clear();
  host.round->OnBase(1, run.base_model, host.now_ms, actions);
  EXPECT_EQ(As<RefusedMessage>(std::get<SendMessage>(actions.at(0)).message).code,
            "base_unexpected");
  host.answer_base = true;
  host.Inspect();
  EXPECT_EQ(host.model_file, Expected());
}

TEST_F(PublishTest, AHostThatLostTheModelGetsItAgain) {
  SampleHost host(run);
  host.answer_evidence = false;
  // Hellos need evidence too: commit first.
  host.answer_evidence = true;
  host.Upload(0, run.MakeUpdate(0));
  host.Upload(1, run.MakeUpdate(1));
  host.answer_evidence = false;
  host.Close();
  EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("evidence_unavailable"));
  EXPECT_FALSE(host.round->over());
  const Bytes model = host.model_file;
  host.model_file.clear();
  host.Inspect();
  EXPECT_EQ(host.model_file, model);
  EXPECT_FALSE(host.round->over());
  host.answer_evidence = true;
  host.Close();
  ASSERT_TRUE(host.round->over());
  EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
  EXPECT_EQ(host.model_file, model);
}

TEST_F(PublishTest, AModelThatOverflowsIsNotPublished) {
  run.plan.range = 1e4;
  run.plan.learning_rate = 1000;  // 1e7 is beyond F16
  run.Sign();
  SampleHost host(run);
  Commit(host);
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.failed->code, "model_overflow");
  EXPECT_FALSE(host.record_file.has_value());
}

TEST_F(PublishTest, ABaseInAnotherFormIsNotTheRunsModel) {
  // The same tensors, but a header padded further: what the plan names is not canonical.
  run.base_model[8] = ' ';
  run.Sign();
  SampleHost host(run);
  Commit(host);
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.failed->code, "base_not_canonical");
}

}  // namespace
}  // namespace sealfold
