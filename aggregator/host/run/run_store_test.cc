#include "aggregator/host/run/run_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_replace.h"
#include "aggregator/host/testing/run_folder.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

using testing::ExamplePlan;
using testing::ModelBytes;
using testing::RunFolder;

class RunStoreTest : public ::testing::Test {
 protected:
  std::string OpenError() const { return ErrorCode(RunStore::Open(folder_.path()).status()); }
  // Publishes round 1 as attempt 1.
  void PublishFirst() const {
    std::unique_ptr<RunStore> store = folder_.Open();
    ASSERT_TRUE(
        store->Save({.phase = RunPhase::kRound, .round = 1, .attempt = 1, .detail = ""}).ok());
    ASSERT_TRUE(store->BeginModel().ok());
    ASSERT_TRUE(store->AppendModel(0, ModelBytes(folder_.plan().plan, 1)).ok());
    const absl::Status status = store->Publish(1, folder_.RecordBytes(1, 1, std::nullopt));
    ASSERT_TRUE(status.ok()) << status;
  }
  RunFolder folder_;
};

TEST_F(RunStoreTest, StateComesBackAsSaved) {
  const RunState state = {
      .phase = RunPhase::kFailed, .round = 1, .attempt = 3, .detail = "why \"so\" \xc3\xa9"};
  ASSERT_TRUE(folder_.Open()->Save(state).ok());
  EXPECT_EQ(folder_.Open()->state(), state);
}

TEST_F(RunStoreTest, AFolderHasOneServer) {
  std::unique_ptr<RunStore> first = folder_.Open();
  EXPECT_EQ(OpenError(), "state_in_use");
  first.reset();
  EXPECT_EQ(OpenError(), "");
}

TEST_F(RunStoreTest, KilledBetweenRecordAndRenameItFinishesThePublication) {
  PublishFirst();
  std::filesystem::rename(folder_.Path("model-1.safetensors"), folder_.Path("model-1.part"));
  std::unique_ptr<RunStore> store = folder_.Open();
  EXPECT_EQ(store->records(), 1u);
  EXPECT_EQ(folder_.Read("model-1.safetensors"), AsText(ModelBytes(folder_.plan().plan, 1)));
  EXPECT_FALSE(folder_.Has("model-1.part"));
  EXPECT_EQ(store->state(),
            (RunState{.phase = RunPhase::kRound, .round = 2, .attempt = 0, .detail = ""}));
}

TEST_F(RunStoreTest, KilledBeforeTheRecordItHasNoModel) {
  PublishFirst();
  std::filesystem::rename(folder_.Path("model-1.safetensors"), folder_.Path("model-1.part"));
  std::filesystem::remove(folder_.Path("record-1.cbor"));
  std::unique_ptr<RunStore> store = folder_.Open();
  EXPECT_EQ(store->records(), 0u);
  EXPECT_FALSE(folder_.Has("model-1.part"));
  EXPECT_FALSE(folder_.Has("model-1.safetensors"));
  EXPECT_EQ(store->state().attempt, 1u);
}

TEST_F(RunStoreTest, KilledBeforeTheNoteOfAPublicationItGoesToTheNextRound) {
  PublishFirst();
  std::unique_ptr<RunStore> store = folder_.Open();
  EXPECT_EQ(store->state(),
            (RunState{.phase = RunPhase::kRound, .round = 2, .attempt = 0, .detail = ""}));
  EXPECT_EQ(store->last_record(),
            DecodeRecordFile(folder_.RecordBytes(1, 1, std::nullopt))->record);
}

TEST_F(RunStoreTest, AFolderThatDoesNotFitItselfIsRefused) {
  PublishFirst();
  const std::string state = folder_.Read("run.json");
  folder_.Write("run.json", AsBytes("{"));
  EXPECT_EQ(OpenError(), "json_syntax");
  folder_.Write("run.json",
                AsBytes(absl::StrReplaceAll(state, {{"\"round\": 1", "\"round\": 3"}})));
  EXPECT_EQ(OpenError(), "state_damaged");
  folder_.Write("run.json", AsBytes(absl::StrReplaceAll(
                                state, {{"\"phase\": \"round\"", "\"phase\": \"done\""}})));
  EXPECT_EQ(OpenError(), "state_damaged");
  std::filesystem::remove(folder_.Path("run.json"));
  EXPECT_EQ(OpenError(), "state_damaged");
  folder_.Write("run.json", AsBytes(state));
  EXPECT_EQ(OpenError(), "");
  folder_.Write("model-1.safetensors", AsBytes("short"));
  EXPECT_EQ(OpenError(), "state_damaged");
}

TEST_F(RunStoreTest, APlanSignedAnewNeedsAFolderOfItsOwn) {
  ASSERT_TRUE(folder_.Open()
                  ->Save({.phase = RunPhase::kRound, .round = 1, .attempt = 1, .detail = ""})
                  .ok());
  Plan changed = folder_.plan().plan;
  changed.quorum = 1;
  folder_.Write("plan.cose", SignPlan(changed, testing::CoordinatorKey()).bytes);
  EXPECT_EQ(OpenError(), "state_of_another_plan");
}

TEST_F(RunStoreTest, TheInitialModelIsThePlans) {
  Bytes model = ModelBytes(folder_.plan().plan, 0);
  model.back() ^= 1;
  folder_.Write("model-0.safetensors", model);
  EXPECT_EQ(OpenError(), "model_wrong");
  model.pop_back();
  folder_.Write("model-0.safetensors", model);
  EXPECT_EQ(OpenError(), "model_wrong");
  std::filesystem::remove(folder_.Path("model-0.safetensors"));
  EXPECT_EQ(OpenError(), "file_unusable");
}

TEST_F(RunStoreTest, ReadsPartsOfPublicFilesAndNothingElse) {
  PublishFirst();
  std::unique_ptr<RunStore> store = folder_.Open();
  const Bytes& plan = folder_.plan().bytes;
  absl::StatusOr<FilePart> part = store->Read(FileKind::kPlan, 0, 0, kPartBytesMax);
  ASSERT_TRUE(part.ok());
  EXPECT_EQ(part->bytes, plan);
  part = store->Read(FileKind::kPlan, 7, plan.size() - 2, kPartBytesMax);
  EXPECT_EQ(part->bytes, Bytes(plan.end() - 2, plan.end()));
  EXPECT_EQ(part->total, plan.size());
  part = store->Read(FileKind::kPlan, 0, plan.size(), kPartBytesMax);
  ASSERT_TRUE(part.ok());
  EXPECT_TRUE(part->bytes.empty());
  for (uint64_t offset : {plan.size() + 1, size_t{1} << 63, size_t{UINT64_MAX}}) {
    EXPECT_EQ(ErrorCode(store->Read(FileKind::kPlan, 0, offset, 10).status()),
              "offset_out_of_range");
  }
  const Bytes model = ModelBytes(folder_.plan().plan, 1);
  EXPECT_EQ(store->Read(FileKind::kModel, 1, 100, 50)->bytes,
            Bytes(model.begin() + 100, model.begin() + 150));
  EXPECT_EQ(store->Read(FileKind::kModel, 0, 0, 10)->total, model.size());
  EXPECT_EQ(store->Read(FileKind::kRecord, 1, 0, kPartBytesMax)->bytes,
            folder_.RecordBytes(1, 1, std::nullopt));
  EXPECT_EQ(ErrorCode(store->Read(FileKind::kRecord, 0, 0, 10).status()), "not_published");
  EXPECT_EQ(ErrorCode(store->Read(FileKind::kRecord, 2, 0, 10).status()), "not_published");
  EXPECT_EQ(ErrorCode(store->Read(FileKind::kModel, 2, 0, 10).status()), "not_published");
  EXPECT_EQ(ErrorCode(store->Read(FileKind::kModel, UINT64_MAX, 0, 10).status()), "not_published");
}

TEST_F(RunStoreTest, AModelPartThatDoesNotFollowIsRefused) {
  std::unique_ptr<RunStore> store = folder_.Open();
  const Bytes model = ModelBytes(folder_.plan().plan, 1);
  EXPECT_EQ(ErrorCode(store->AppendModel(0, model)), "model_part_unexpected");
  ASSERT_TRUE(store->BeginModel().ok());
  EXPECT_EQ(ErrorCode(store->AppendModel(1, model)), "model_part_unexpected");
  ASSERT_TRUE(store->AppendModel(0, model).ok());
  EXPECT_EQ(ErrorCode(store->AppendModel(model.size(), Bytes(1))), "model_part_unexpected");
  EXPECT_EQ(ErrorCode(store->AppendModel(0, model)), "model_part_unexpected");
  EXPECT_TRUE(store->AppendModel(model.size(), {}).ok());
}

TEST(RunStoreSealed, ASealedModelHasItsOwnSizeAndNoDigestTheHostCouldCheck) {
  Plan plan = ExamplePlan();
  plan.delivery = Delivery::kSealed;
  RunFolder folder(plan);
  std::unique_ptr<RunStore> store = folder.Open();
  const uint64_t size = SealedModelSizeBytes(ModelFileSizeBytes(plan.tensors), plan.chunk_bytes);
  ASSERT_TRUE(store->BeginModel().ok());
  ASSERT_TRUE(store->AppendModel(0, Bytes(size - 1)).ok());
  EXPECT_EQ(ErrorCode(store->Publish(1, folder.RecordBytes(1, 1, std::nullopt))),
            "result_incomplete");
  ASSERT_TRUE(store->AppendModel(size - 1, Bytes(1)).ok());
  EXPECT_EQ(ErrorCode(store->AppendModel(size, Bytes(1))), "model_part_unexpected");
}

}  // namespace
}  // namespace sealfold
