#include "examples/hospitals/learn/model_file.h"

#include <gtest/gtest.h>

#include <limits>

#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::hospitals {
namespace {

class ModelFile : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.Path(name); }

 private:
  const TempDir folder_;
};

StoredParameters Numbers() {
  StoredParameters model;
  for (Eigen::Index i = 0; i < kParameters; ++i) {
    model[i] = static_cast<float>(i) / 8;
  }
  return model;
}

TEST_F(ModelFile, ComesBackAsItWas) {
  const std::string path = Path("back");
  ASSERT_TRUE(WriteModel(path, Numbers(), {}).ok());
  const auto model = ReadModel(path);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(*model, Numbers());
}

TEST_F(ModelFile, AnUpdateSaysHowManyExamples) {
  const std::string path = Path("examples");
  ASSERT_TRUE(WriteModel(path, Numbers(), {{"num_examples", "251"}}).ok());
  const std::string file = *ReadFile(path, 1 << 20);
  const auto header = SafetensorsHeader::Parse(AsBytes(file), file.size());
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->metadata.at("num_examples"), "251");
  ASSERT_EQ(header->entries.size(), 2);
  EXPECT_EQ(header->entries[0].spec.name, "weight");
  EXPECT_EQ(header->entries[1].spec.name, "bias");
}

TEST_F(ModelFile, TensorsMayLieInAnyOrder) {
  const std::vector<TensorSpec> tensors = {
      {.name = "bias", .dtype = Dtype::kF32, .shape = {1}},
      {.name = "weight", .dtype = Dtype::kF32, .shape = {1, 30}}};
  Bytes file = SafetensorsHeaderBytes(tensors, {});
  const StoredParameters numbers = Numbers();
  const auto append = [&](Eigen::Index first, Eigen::Index count) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(numbers.data() + first);
    Append(file, ByteSpan(bytes, sizeof(float) * static_cast<size_t>(count)));
  };
  append(30, 1);
  append(0, 30);
  const std::string path = Path("order");
  ASSERT_TRUE(WriteFileAtomic(path, AsText(file)).ok());
  const auto model = ReadModel(path);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(*model, numbers);
}

TEST_F(ModelFile, OtherTensorsAreRefused) {
  const std::string path = Path("tensors");
  for (const TensorSpec& tensor :
       {TensorSpec{.name = "weight", .dtype = Dtype::kF32, .shape = {30}},
        TensorSpec{.name = "weight", .dtype = Dtype::kF16, .shape = {1, 30}},
        TensorSpec{.name = "Weight", .dtype = Dtype::kF32, .shape = {1, 30}}}) {
    const std::vector<TensorSpec> tensors = {tensor,
                                             {.name = "bias", .dtype = Dtype::kF32, .shape = {1}}};
    Bytes file = SafetensorsHeaderBytes(tensors, {});
    file.resize(file.size() + tensor.size_bytes() + sizeof(float));
    ASSERT_TRUE(WriteFileAtomic(path, AsText(file)).ok());
    EXPECT_EQ(ErrorCode(ReadModel(path).status()), "model_tensors_wrong");
  }
}

TEST_F(ModelFile, WhatIsNotFiniteOrNotWholeIsRefused) {
  const std::string path = Path("wrong");
  StoredParameters model = Numbers();
  model[5] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(WriteModel(path, model, {}).ok());
  EXPECT_EQ(ErrorCode(ReadModel(path).status()), "model_not_finite");

  ASSERT_TRUE(WriteModel(path, Numbers(), {}).ok());
  const std::string whole = *ReadFile(path, 1 << 20);
  for (size_t size = 0; size < whole.size(); ++size) {
    ASSERT_TRUE(WriteFileAtomic(path, whole.substr(0, size)).ok());
    EXPECT_EQ(ReadModel(path).status().code(), absl::StatusCode::kInvalidArgument)
        << size << " bytes";
  }
}

}  // namespace
}  // namespace sealfold::hospitals
