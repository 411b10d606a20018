#include "participant-client/update/update_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>

#include "participant-client/testing/world.h"
#include "participant-client/update/element_check.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/model/element.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class UpdateFileTest : public ::testing::Test {
 protected:
  UpdateFileTest() {
    plan_.tensors = {{.name = "a", .dtype = Dtype::kF32, .shape = {3, 7}},
                     {.name = "b", .dtype = Dtype::kBf16, .shape = {130}},
                     {.name = "c", .dtype = Dtype::kF16, .shape = {}}};
    plan_.range = 2;
    plan_.weight_max = Weight(50);
  }

  // A file with `tensors` in this order; the elements count up from the tensor's place in the plan.
  std::string Write(const std::vector<TensorSpec>& tensors,
                    const std::map<std::string, std::string>& metadata = {{"num_examples", "12"}}) {
    std::string path = folder_.Path("update.safetensors");
    Bytes bytes = SafetensorsHeaderBytes(tensors, metadata);
    for (const TensorSpec& spec : tensors) Append(bytes, Elements(spec));
    std::ofstream(path, std::ios::binary) << AsText(bytes);
    return path;
  }
  Bytes Elements(const TensorSpec& spec) {
    const size_t size = DtypeSizeBytes(spec.dtype);
    Bytes out(spec.size_bytes());
    for (uint64_t i = 0; i < spec.elements(); ++i) {
      WriteElement(spec.dtype, static_cast<double>(i % 64 + 1) / 64 + (spec.name[0] - 'a') * 0.25,
                   &out[i * size]);
    }
    if (planted_.has_value() && spec.name == planted_->first) {
      WriteElement(spec.dtype, planted_->second, &out[out.size() - size]);
    }
    return out;
  }
  std::string OpenError(const std::vector<TensorSpec>& tensors) {
    return ErrorCode(UpdateFile::Open(Write(tensors), plan_).status());
  }

  TempDir folder_;
  Plan plan_;
  std::optional<std::pair<std::string, double>> planted_;  // a tensor's last element
};

TEST_F(UpdateFileTest, ReadsThePayloadInThePlansOrderWhateverTheFiles) {
  Bytes expected;
  const PayloadLayout layout = PayloadLayout::Of(plan_.tensors);
  for (size_t i = 0; i < plan_.tensors.size(); ++i) {
    expected.resize(layout.parts[i].offset_bytes);
    Append(expected, Elements(plan_.tensors[i]));
  }
  ASSERT_EQ(expected.size(), layout.size_bytes);

  std::vector<TensorSpec> order = {plan_.tensors[2], plan_.tensors[0], plan_.tensors[1]};
  auto update = UpdateFile::Open(Write(order), plan_);
  ASSERT_TRUE(update.ok()) << update.status();
  EXPECT_TRUE(update->CheckValues().ok());
  ASSERT_EQ(update->size_bytes(), layout.size_bytes);
  for (uint64_t size : {uint64_t{1}, uint64_t{7}, uint64_t{64}, uint64_t{100}, layout.size_bytes}) {
    Bytes got;
    for (uint64_t offset = 0; offset < layout.size_bytes; offset += size) {
      Bytes piece(std::min(size, layout.size_bytes - offset), 0xEE);
      Append(got, update->Read(offset, absl::MakeSpan(piece)));
    }
    EXPECT_EQ(got, expected) << size;
  }
}

TEST_F(UpdateFileTest, TensorsMustBeThePlans) {
  const auto& t = plan_.tensors;
  EXPECT_EQ(OpenError({t[0], t[1]}), "update_tensor_missing");
  EXPECT_EQ(OpenError({t[0], t[1], t[2], {.name = "d", .dtype = Dtype::kF32, .shape = {1}}}),
            "update_tensor_unknown");
  EXPECT_EQ(OpenError({{.name = "a", .dtype = Dtype::kF32, .shape = {7, 3}}, t[1], t[2]}),
            "update_tensor_shape");
  EXPECT_EQ(OpenError({{.name = "a", .dtype = Dtype::kF16, .shape = {3, 7}}, t[1], t[2]}),
            "update_tensor_shape");
  auto update = UpdateFile::Open(
      Write({{.name = "a", .dtype = Dtype::kF32, .shape = {7, 3}}, t[1], t[2]}), plan_);
  Explanation e = Explain(update.status());
  EXPECT_THAT(e.what, HasSubstr("'a'"));
  EXPECT_EQ(e.expected, "F32 [3, 7]");
  EXPECT_EQ(e.found, "F32 [7, 3]");
}

TEST_F(UpdateFileTest, ValuesMustBeFiniteAndInRangeAndAreNeverShown) {
  const double bad[] = {std::numeric_limits<double>::quiet_NaN(),
                        std::numeric_limits<double>::infinity(), -2.5, 1776};
  for (const char* tensor : {"a", "b", "c"}) {
    for (double value : bad) {
      planted_ = {tensor, value};
      auto update = UpdateFile::Open(Write(plan_.tensors), plan_);
      ASSERT_TRUE(update.ok()) << update.status();
      const absl::Status status = update->CheckValues();
      Explanation e = Explain(status);
      EXPECT_EQ(e.code, std::isfinite(value) ? "update_out_of_range" : "update_not_finite");
      EXPECT_THAT(e.what, HasSubstr(tensor));
      EXPECT_THAT(std::string(status.message()), Not(HasSubstr("1776")));
    }
  }
  planted_ = {"a", 2.0};  // the range itself
  EXPECT_TRUE(UpdateFile::Open(Write(plan_.tensors), plan_)->CheckValues().ok());
}

TEST_F(UpdateFileTest, TheWeightIsGivenOrTheFiles) {
  auto update = UpdateFile::Open(Write(plan_.tensors), plan_);
  ASSERT_TRUE(update.ok());
  EXPECT_EQ(*update->ChooseWeight(std::nullopt), Weight(12));
  EXPECT_EQ(*update->ChooseWeight(50), Weight(50));
  EXPECT_EQ(ErrorCode(update->ChooseWeight(51).status()), "update_weight_range");
  EXPECT_EQ(ErrorCode(update->ChooseWeight(0).status()), "update_weight_range");
  for (const char* text : {"", "-3", "1.5", "many", "99999999999999999999"}) {
    auto odd = UpdateFile::Open(Write(plan_.tensors, {{"num_examples", text}}), plan_);
    EXPECT_EQ(ErrorCode(odd->ChooseWeight(std::nullopt).status()), "update_weight_missing") << text;
  }
  auto without = UpdateFile::Open(Write(plan_.tensors, {}), plan_);
  EXPECT_EQ(ErrorCode(without->ChooseWeight(std::nullopt).status()), "update_weight_missing");
}

TEST_F(UpdateFileTest, TheIdentityChangesWithTheFile) {
  const std::string path = Write(plan_.tensors);
  const UpdateIdentity first = UpdateFile::Open(path, plan_)->Identity(Weight(1));
  EXPECT_EQ(first, UpdateFile::Open(path, plan_)->Identity(Weight(1)));
  EXPECT_NE(first, UpdateFile::Open(path, plan_)->Identity(Weight(2)));
  const std::filesystem::path file(path);
  std::filesystem::last_write_time(
      file, std::filesystem::last_write_time(file) + std::chrono::seconds(1));
  EXPECT_NE(first, UpdateFile::Open(path, plan_)->Identity(Weight(1)));
}

TEST_F(UpdateFileTest, AFileThatIsWrittenToIsFoundOutAndOneThatIsReplacedIsNot) {
  const std::string path = Write(plan_.tensors);
  const auto file = UpdateFile::Open(path, plan_);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->CheckUnchanged().ok());
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::last_write_time(path, time + std::chrono::seconds(1));
  EXPECT_EQ(ErrorCode(file->CheckUnchanged()), "offer_update_changed");
  const std::string other = folder_.Path("other");
  std::filesystem::copy(path, other);
  std::filesystem::rename(other, path);
  EXPECT_TRUE(file->CheckUnchanged().ok());
  std::filesystem::remove(path);
  EXPECT_TRUE(file->CheckUnchanged().ok());
}

// It is remembered, and a memory is text that is UTF-8.
TEST_F(UpdateFileTest, TheIdentityOfAFileOfAnyNameCanBeReadAgain) {
  const std::string path = folder_.Path("mise \xe0 jour.safetensors");
  const std::string other = folder_.Path("mise \xe1 jour.safetensors");
  std::filesystem::copy(Write(plan_.tensors), path);
  std::filesystem::copy(path, other);
  std::filesystem::last_write_time(other, std::filesystem::last_write_time(path));
  const UpdateIdentity identity = UpdateFile::Open(path, plan_)->Identity(Weight(1));
  EXPECT_EQ(cbor::DecodeFields<UpdateIdentity>(cbor::EncodeFields(identity)).value(), identity);
  EXPECT_NE(UpdateFile::Open(other, plan_)->Identity(Weight(1)), identity);
}

TEST(ElementCheck, FindsTheFirstFault) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (Dtype dtype : {Dtype::kF32, Dtype::kF16, Dtype::kBf16}) {
    const size_t size = DtypeSizeBytes(dtype);
    for (int run = 0; run < 2000; ++run) {
      Bytes elements(size * 17);
      for (uint8_t& byte : elements) byte = static_cast<uint8_t>(random());
      std::optional<uint64_t> expected;
      for (uint64_t i = 0; i < 17 && !expected.has_value(); ++i) {
        if (!(std::abs(ReadElement(dtype, &elements[i * size])) <= 1.5)) expected = i;
      }
      auto found = FindElementFault(dtype, elements, 1.5);
      ASSERT_EQ(found.has_value(), expected.has_value());
      if (found.has_value()) {
        EXPECT_EQ(found->index, *expected);
        const double value = ReadElement(dtype, &elements[*expected * size]);
        EXPECT_EQ(found->fault == ElementFault::kNan, std::isnan(value));
        EXPECT_EQ(found->fault == ElementFault::kInfinity, std::isinf(value));
      }
    }
  }
}

// Among so many that they are looked at many at once, at any place; at the very edge of the range.
TEST(ElementCheck, FindsTheFirstFaultAmongManyF32) {
  constexpr size_t kCount = 5000;
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (const double range : {0.0, 1e-45, 1.1, 1.5, 3.4028234663852886e38, 1e300}) {
    const auto nearest = static_cast<float>(std::min(range, 3.4028234663852886e38));
    const float edge =
        static_cast<double>(nearest) <= range ? nearest : std::nextafter(nearest, 0.0F);
    std::vector<float> elements(kCount, edge);
    for (size_t i = 0; i < kCount; i += 3) elements[i] = -edge;
    const auto find = [&] {
      const auto* const bytes = reinterpret_cast<const uint8_t*>(elements.data());
      return FindElementFault(Dtype::kF32, ByteSpan(bytes, kCount * sizeof(float)), range);
    };
    EXPECT_FALSE(find().has_value()) << range;
    const float infinity = std::numeric_limits<float>::infinity();
    for (const float fault : {std::nextafter(edge, infinity), -std::nextafter(edge, infinity),
                              infinity, -infinity, std::nanf("1"), -std::nanf("")}) {
      for (int run = 0; run < 20; ++run) {
        const size_t at = random() % kCount;
        const size_t later = at + random() % (kCount - at);
        const float was[] = {elements[at], elements[later]};
        elements[at] = elements[later] = fault;
        const auto found = find();
        ASSERT_TRUE(found.has_value()) << range << " " << fault;
        EXPECT_EQ(found->index, at) << range << " " << fault;
        elements[later] = was[1];
        elements[at] = was[0];
      }
    }
  }
}

}  // namespace
}  // namespace sealfold
