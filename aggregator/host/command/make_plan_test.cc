#include "aggregator/host/command/make_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/host/run/run_store.h"
#include "protocol/crypto/hash.h"
#include "protocol/crypto/key_file.h"
#include "protocol/model/element.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "protocol/testing/examples.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Bytes Floats(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

class MakePlanTest : public ::testing::Test {
 protected:
  MakePlanTest() {
    const KeyFile key = {
        .role = KeyRole::kCoordinator, .signing_seed = testing::SeedOf(0xc0), .model_seed = {}};
    EXPECT_TRUE(WriteKeyFiles(Path("coordinator.key"), key, "coordinator").ok());
    for (uint8_t i = 0; i < 3; ++i) {
      const KeyFile party = {.role = KeyRole::kParticipant,
                             .signing_seed = testing::SeedOf(static_cast<uint8_t>(1 + i)),
                             .model_seed = testing::SeedOf(static_cast<uint8_t>(101 + i))};
      EXPECT_TRUE(
          WriteKeyFiles(Path(absl::StrCat("p", i)), party, absl::StrCat("hospital-", i)).ok());
    }
    WriteModel({{.name = "w", .dtype = Dtype::kF32, .shape = {2}},
                {.name = "b", .dtype = Dtype::kF32, .shape = {}}},
               Floats({0.5F, -2.0F, 1.0F}));
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void WriteModel(const std::vector<TensorSpec>& tensors, const Bytes& data) const {
    Bytes file = SafetensorsHeaderBytes(tensors, {{"made", "by a test"}});
    Append(file, data);
    ASSERT_TRUE(WriteFileAtomic(Path("initial.safetensors"), AsText(file)).ok());
  }
  absl::StatusOr<MadePlan> Make(const json& changes = json::object(),
                                const std::string& out = "run/plan.cose") const {
    json plan = {{"name", "study"},
                 {"rounds", 2},
                 {"range", 4.0},
                 {"weight_max", 300},
                 {"participant_files", {"p0.pub"}}};
    plan.merge_patch(changes);
    EXPECT_TRUE(WriteFileAtomic(Path("plan.json"), plan.dump()).ok());
    return MakePlan({.plan_json = Path("plan.json"),
                     .key = Path("coordinator.key"),
                     .model = Path("initial.safetensors"),
                     .participant_files = {Path("p1.pub"), Path("p2.pub")},
                     .out = Path(out)});
  }
  TempDir folder_;
};

TEST_F(MakePlanTest, MakesAFolderThatARunStartsFrom) {
  absl::StatusOr<MadePlan> made = Make();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT(made->warnings, IsEmpty());
  const Plan& plan = made->plan.plan;
  ASSERT_EQ(plan.participants.size(), 3u);
  EXPECT_EQ(plan.participants[0].name, "hospital-0");
  EXPECT_EQ(plan.participants[2].key, testing::ParticipantKey(2).public_key());
  EXPECT_EQ(plan.participants[2].model_key, testing::ParticipantModelKey(2).public_key());
  EXPECT_EQ(plan.quorum, 3u);
  EXPECT_EQ(plan.staging_bytes_max, 3 * SealedUpdateBytes(plan));
  Bytes model = ModelFileHeader(plan.tensors);
  Append(model, Floats({0.5F, -2.0F, 1.0F}));
  EXPECT_EQ(*ReadFile(Path("run/model-0.safetensors"), 1 << 20), AsText(model));
  EXPECT_EQ(plan.initial_model, Sha256(model));
  absl::StatusOr<std::unique_ptr<RunStore>> store = RunStore::Open(Path("run"));
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->plan().digest, made->plan.digest);
  EXPECT_EQ((*store)->plan().coordinator, testing::CoordinatorKey().public_key());
}

TEST_F(MakePlanTest, ThePlansTensorsSetTheOrder) {
  const json w = {{"name", "w"}, {"dtype", "F32"}, {"shape", {2}}};
  const json b = {{"name", "b"}, {"dtype", "F32"}, {"shape", json::array()}};
  ASSERT_TRUE(Make({{"tensors", {b, w}}}).ok());
  EXPECT_THAT(*ReadFile(Path("run/model-0.safetensors"), 1 << 20),
              ::testing::EndsWith(std::string(AsText(Floats({1.0F, 0.5F, -2.0F})))));
  EXPECT_EQ(ErrorCode(Make({{"tensors", {w}}}).status()), "model_mismatch");
  json changed = w;
  changed["shape"] = {3};
  EXPECT_EQ(ErrorCode(Make({{"tensors", {b, changed}}}).status()), "model_mismatch");
  changed["name"] = "other";
  EXPECT_EQ(ErrorCode(Make({{"tensors", {b, changed}}}).status()), "model_mismatch");
}

TEST_F(MakePlanTest, AnInitialModelThatThePlanNamesMustBeIt) {
  absl::StatusOr<MadePlan> made = Make();
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(Make({{"initial_model", made->plan.plan.initial_model.hex()}}).ok());
  EXPECT_EQ(ErrorCode(Make({{"initial_model", std::string(64, 'a')}}).status()), "model_mismatch");
}

TEST_F(MakePlanTest, ValuesThatAreNotNumbersAreRefused) {
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    WriteModel({{.name = "w", .dtype = Dtype::kF32, .shape = {2}}}, Floats({1.0F, bad}));
    EXPECT_EQ(ErrorCode(Make().status()), "model_not_finite");
    EXPECT_FALSE(std::filesystem::exists(Path("run/plan.cose")));
    EXPECT_FALSE(std::filesystem::exists(Path("run/model-0.safetensors")));
  }
  Bytes half(2);
  WriteElement(Dtype::kF16, INFINITY, half.data());
  WriteModel({{.name = "h", .dtype = Dtype::kF16, .shape = {1}}}, half);
  EXPECT_EQ(ErrorCode(Make().status()), "model_not_finite");
}

TEST_F(MakePlanTest, WhatThePlanItselfForbidsNamesTheField) {
  EXPECT_EQ(ErrorCode(Make({{"quorum", 4}}).status()), "plan_quorum");
  EXPECT_EQ(ErrorCode(Make({{"staging_bytes_max", 1}}).status()), "plan_staging_bytes_max");
  EXPECT_EQ(ErrorCode(Make({{"participant_files", {"p0.pub", "p1.pub"}}}).status()),
            "plan_participants");
  EXPECT_EQ(ErrorCode(Make({{"qourum", 3}}).status()), "field_unknown");
  EXPECT_EQ(ErrorCode(Make({{"participant_files", {"coordinator.key.pub"}}}).status()),
            "key_role_wrong");
  EXPECT_EQ(ErrorCode(Make({{"participant_files", {"nobody.pub"}}}).status()), "file_unusable");
}

TEST_F(MakePlanTest, ARunThatWasLaunchedIsNotOverwritten) {
  ASSERT_TRUE(Make().ok());
  EXPECT_TRUE(Make().ok()) << "not launched yet";
  ASSERT_TRUE(WriteFileAtomic(Path("run/run.json"), "{}").ok());
  EXPECT_EQ(ErrorCode(Make().status()), "run_exists");
}

TEST_F(MakePlanTest, TheInitialModelIsNotWrittenOverItself) {
  ASSERT_TRUE(Make().ok());
  std::filesystem::rename(Path("run/model-0.safetensors"), Path("initial.safetensors"));
  std::filesystem::create_hard_link(Path("initial.safetensors"), Path("run/model-0.safetensors"));
  EXPECT_EQ(ErrorCode(Make().status()), "model_in_place");
}

TEST(PlanWarnings, SayWhatToChange) {
  Plan plan = testing::ExamplePlan();
  EXPECT_THAT(PlanWarnings(plan, 1.0), IsEmpty());
  EXPECT_THAT(PlanWarnings(plan, 0.0), IsEmpty())
      << "a model of zeros says nothing about its values";
  plan.weight_max = Weight(1 << 23);
  EXPECT_THAT(PlanWarnings(plan, 1.0), IsEmpty());
  plan.weight_max = Weight((1 << 24) + 1);
  EXPECT_THAT(PlanWarnings(plan, 1.0), ElementsAre(HasSubstr("set weight_max near")));
  plan.weight_max = Weight(1000);
  plan.range = 1e9;
  EXPECT_THAT(PlanWarnings(plan, 1.0), ElementsAre(HasSubstr("set range near")));
  plan.range = 4.0;
  plan.quorum = 2;
  EXPECT_THAT(PlanWarnings(plan, 1.0), ElementsAre(HasSubstr("subtract")));
}

}  // namespace
}  // namespace sealfold
