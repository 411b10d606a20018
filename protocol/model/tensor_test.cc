#include "protocol/model/tensor.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string CodeOf(absl::Span<const TensorSpec> tensors) {
  return ErrorCode(CheckTensors(tensors));
}

TEST(TensorTest, SizesFollowFromShapeAndDtype) {
  EXPECT_EQ((TensorSpec{"a", Dtype::kF32, {2, 3}}).size_bytes(), 24u);
  EXPECT_EQ((TensorSpec{"a", Dtype::kF16, {5}}).size_bytes(), 10u);
  EXPECT_EQ((TensorSpec{"a", Dtype::kBf16, {}}).elements(), 1u);
  EXPECT_STREQ(DtypeName(Dtype::kBf16), "BF16");
}

TEST(TensorTest, NamesWithinTheRulesPass) {
  for (const std::string& name :
       {std::string("w"), std::string("layer.0/größe é"), std::string(256, 'n')}) {
    EXPECT_EQ(CodeOf({{name, Dtype::kF32, {1}}}), "") << name;
  }
}

TEST(TensorTest, NamesOutsideTheRulesAreRefused) {
  for (const std::string& name :
       {std::string(), std::string(257, 'n'), std::string("a\"b"), std::string("a\\b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("a\x7F"), std::string("a\xC2\x85"),
        std::string("\xC0\x80"), std::string("\xE2\x82"), std::string("__metadata__")}) {
    EXPECT_EQ(CodeOf({{name, Dtype::kF32, {1}}}), "tensor_name_invalid")
        << HexEncode(AsBytes(name));
  }
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {1}}, {"b", Dtype::kF32, {1}}, {"a", Dtype::kF16, {2}}}),
            "tensor_name_doubled");
}

TEST(TensorTest, CountsAndSizesAreBounded) {
  EXPECT_EQ(CodeOf({}), "tensors_count");
  std::vector<TensorSpec> many;
  for (size_t i = 0; i < kTensorsMax; ++i)
    many.push_back({"t" + std::to_string(i), Dtype::kF32, {1}});
  EXPECT_EQ(CodeOf(many), "");
  many.push_back({"one more", Dtype::kF32, {1}});
  EXPECT_EQ(CodeOf(many), "tensors_count");

  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {3, 0}}}), "tensor_empty");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {0, uint64_t{1} << 63}}}), "tensor_empty");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {uint64_t{1} << 63, 2}}}), "tensor_too_large");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {uint64_t{1} << 32, uint64_t{1} << 32}}}),
            "tensor_too_large");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {kModelBytesMax / 4}}}), "");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, {kModelBytesMax / 4}}, {"b", Dtype::kF16, {1}}}),
            "tensors_too_large");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, std::vector<uint64_t>(kTensorDimensionsMax, 1)}}), "");
  EXPECT_EQ(CodeOf({{"a", Dtype::kF32, std::vector<uint64_t>(kTensorDimensionsMax + 1, 1)}}),
            "tensor_dimensions_too_many");
}

TEST(TensorTest, PayloadStartsEachTensorAtAMultipleOf64) {
  const PayloadLayout layout = PayloadLayout::Of(std::vector<TensorSpec>{{"a", Dtype::kF32, {3}},
                                                                         {"b", Dtype::kF16, {32}},
                                                                         {"c", Dtype::kBf16, {33}},
                                                                         {"d", Dtype::kF32, {}}});
  ASSERT_EQ(layout.parts.size(), 4u);
  const uint64_t offsets[] = {0, 64, 128, 256};
  const uint64_t firsts[] = {0, 8, 40, 80};
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(layout.parts[i].offset_bytes, offsets[i]) << i;
    EXPECT_EQ(layout.parts[i].element_first, firsts[i]) << i;
  }
  EXPECT_EQ(layout.parts[2].dtype, Dtype::kBf16);
  EXPECT_EQ(layout.parts[2].elements, 33u);
  EXPECT_EQ(layout.size_bytes, 260u);
  EXPECT_EQ(layout.sum_elements, 81u);
}

TEST(TensorTest, ModelFileHeaderIsCanonical) {
  const std::vector<TensorSpec> tensors = {{"b", Dtype::kF32, {2, 3}}, {"ä.x", Dtype::kBf16, {}}};
  const std::string json = R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                           R"("ä.x":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}})";
  const Bytes header = ModelFileHeader(tensors);
  ASSERT_EQ(header.size() % 8, 0u);
  ASSERT_GE(header.size(), 8 + json.size());
  ASSERT_LT(header.size(), 8 + json.size() + 8);
  EXPECT_EQ(header[0], header.size() - 8);
  EXPECT_EQ(HexEncode(ByteSpan(header).subspan(1, 7)), "00000000000000");
  EXPECT_EQ(AsText(ByteSpan(header).subspan(8)),
            json + std::string(header.size() - 8 - json.size(), ' '));
  EXPECT_EQ(ModelFileSizeBytes(tensors), header.size() + 26);
}

}  // namespace
}  // namespace sealfold
