#include "participant-client/update/encoded_update.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>

#include "participant-client/testing/world.h"
#include "participant-client/update/block_encode.h"
#include "protocol/model/block_layout.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using testing_world::SeedOf;

class EncodedUpdateTest : public ::testing::Test {
 protected:
  EncodedUpdateTest() {
    plan_.tensors = {{.name = "a", .dtype = Dtype::kF32, .shape = {70, 301}},
                     {.name = "b", .dtype = Dtype::kBf16, .shape = {130}},
                     {.name = "c", .dtype = Dtype::kF16, .shape = {}}};
    plan_.range = 2;
    plan_.chunk_bytes = 4096;
  }

  // A file with the plan's tensors in another order; the elements are kept in `elements_`.
  UpdateFile Open() {
    Bytes bytes = SafetensorsHeaderBytes({plan_.tensors[2], plan_.tensors[0], plan_.tensors[1]},
                                         {{"num_examples", "12"}});
    std::mt19937 random(5);
    elements_.assign(3, {});
    for (const size_t t : {2, 0, 1}) {
      const TensorSpec& spec = plan_.tensors[t];
      const size_t size = DtypeSizeBytes(spec.dtype);
      elements_[t].resize(spec.size_bytes());
      for (uint64_t i = 0; i < spec.elements(); ++i) {
        WriteElement(spec.dtype, static_cast<double>(random() % 4001) / 1000 - 2,
                     &elements_[t][i * size]);
      }
      Append(bytes, elements_[t]);
    }
    const std::string path = folder_.Path("update.safetensors");
    std::ofstream(path, std::ios::binary) << AsText(bytes);
    auto update = UpdateFile::Open(path, plan_);
    SEALFOLD_CHECK(update.ok() && update->CheckValues().ok());
    return *std::move(update);
  }
  Bytes ReadAll(EncodedUpdate& update) {
    Bytes out;
    for (uint64_t offset = 0; offset < update.size_bytes(); offset += plan_.chunk_bytes) {
      Bytes chunk(std::min(plan_.chunk_bytes, update.size_bytes() - offset), 0xEE);
      Append(out, update.Read(offset, absl::MakeSpan(chunk)));
    }
    return out;
  }

  TempDir folder_;
  Plan plan_;
  std::vector<Bytes> elements_;  // of the plan's tensors
};

TEST_F(EncodedUpdateTest, EveryBlockIsThatOfItsElementsAndWhatLiesBetweenIsZero) {
  for (const UpdateEncoding& encoding :
       {UpdateEncoding{.block_elements = 64}, UpdateEncoding{.block_elements = 2048},
        UpdateEncoding{.kind = EncodingKind::kTopK, .block_elements = 256, .kept = 20}}) {
    plan_.update_encoding = encoding;
    UpdateFile file = Open();
    EncodedUpdate update(file, plan_, SeedOf(1, "rounding"));
    const PayloadLayout layout = plan_.payload_layout();
    ASSERT_EQ(update.size_bytes(), layout.size_bytes);
    Bytes payload = ReadAll(update);
    ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
      const TensorSpec& spec = plan_.tensors[run.part];
      const size_t size = DtypeSizeBytes(spec.dtype);
      const uint64_t count = std::min(encoding.block_elements, run.elements);
      for (uint64_t done = 0; done < run.elements; done += count) {
        const ByteSpan elements =
            ByteSpan(elements_[run.part]).subspan((run.element + done) * size, count * size);
        uint8_t* const block = &payload[run.offset_bytes + done / count * run.block_bytes];
        const ByteSpan found(block, run.block_bytes);
        if (encoding.kind == EncodingKind::kTopK) {
          std::vector<uint64_t> places(count);
          Bytes expected(run.block_bytes);
          EncodeTopKBlock(spec.dtype, elements, encoding.carried(count), absl::MakeSpan(places),
                          absl::MakeSpan(expected));
          ASSERT_EQ(found, ByteSpan(expected));
        } else {
          const double scale = Int8ScaleValue(LoadInt8ScaleBits(found));
          for (uint64_t i = 0; i < count; ++i) {
            const double x = ReadElement(spec.dtype, &elements[i * size]);
            const int q = Int8Element(found, i);
            ASSERT_LT(std::abs(q * scale - x), scale);
          }
        }
        std::fill_n(block, run.block_bytes, uint8_t{0});
      }
    });
    EXPECT_EQ(payload, Bytes(payload.size()));
  }
}

TEST_F(EncodedUpdateTest, IsAFunctionOfFileAndSeedInWhateverOrderChunksAreRead) {
  plan_.update_encoding = UpdateEncoding{.block_elements = 64};
  UpdateFile file = Open();
  EncodedUpdate update(file, plan_, SeedOf(1, "rounding"));
  const Bytes payload = ReadAll(update);
  EncodedUpdate other(file, plan_, SeedOf(2, "rounding"));
  EXPECT_NE(ReadAll(other), payload);
  EncodedUpdate again(file, plan_, SeedOf(1, "rounding"));
  const uint64_t last = (payload.size() - 1) / plan_.chunk_bytes * plan_.chunk_bytes;
  Bytes chunk(payload.size() - last);
  EXPECT_EQ(again.Read(last, absl::MakeSpan(chunk)), ByteSpan(payload).subspan(last));
  EXPECT_EQ(ReadAll(again), payload);
}

}  // namespace
}  // namespace sealfold
