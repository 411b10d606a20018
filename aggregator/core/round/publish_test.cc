// From the final set to the record, with a host that gets in the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

// A host that shows the right base first, to pass the check, and another when it is used.
TEST_F(PublishTest, ABaseThatChangesAfterItWasChecked) {
  run.plan.tensors = {{.name = "big", .dtype = Dtype::kF32, .shape = {700'000}}};
  run.plan.staging_bytes_max = SealedUpdateBytes(run.plan);
  run.plan.chunk_bytes = 1 << 20;
  run.base_model = ModelFileHeader(run.plan.tensors);
  run.base_model.resize(ModelFileSizeBytes(run.plan.tensors));
  run.Sign();
  SampleHost host(run);
  host.answer_base = false;
  Commit(host);
  const auto wanted = [&host] { return As<WantBase>(host.to_host.back()); };
  const auto give = [&](ByteSpan file) {
    const WantBase want = wanted();
    Actions actions;
    host.round->OnBase(want.offset, file.subspan(want.offset, want.length), host.now_ms, actions);
    return actions;
  };
  const auto last_host = [](const Actions& actions) {
    return std::get<SendMessage>(actions.back()).message;
  };
  const uint64_t parts = (run.base_model.size() + kPartBytesMax - 1) / kPartBytesMax;
  ASSERT_EQ(parts, 3u);
  for (uint64_t i = 0; i < parts; ++i) {
    const Actions actions = give(run.base_model);
    ASSERT_EQ(actions.size(), 1u);
    host.to_host.push_back(last_host(actions));
  }
  ASSERT_EQ(wanted().offset, 0u);  // the second pass
  Actions actions = give(run.base_model);
  host.to_host.push_back(last_host(actions));
  Bytes other = run.base_model;
  other[kPartBytesMax + 5] ^= 1;
  actions = give(other);
  ASSERT_EQ(actions.size(), 2u);  // the refusal and the host's view of it, and no model part
  EXPECT_EQ(As<RefusedMessage>(std::get<SendMessage>(actions[0]).message).code, "base_wrong");
  EXPECT_EQ(TypeOf(last_host(actions)), RoundState::kType);
  host.answer_base = true;
  host.base_file = run.base_model;
  host.Close();
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.model_file, Expected());
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
