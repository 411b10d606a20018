#include "protocol/model/block_layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

using Tensors = std::vector<TensorSpec>;

std::string CodeOf(const UpdateEncoding& encoding, uint64_t chunk_bytes) {
  return ErrorCode(CheckUpdateEncoding(encoding, chunk_bytes));
}

TEST(UpdateEncodingTest, EveryBoundIsKeptAndNamed) {
  const auto int8 = [](uint64_t block) { return UpdateEncoding{.block_elements = block}; };
  const auto top_k = [](uint64_t block, std::optional<uint64_t> kept) {
    return UpdateEncoding{.kind = EncodingKind::kTopK, .block_elements = block, .kept = kept};
  };
  EXPECT_EQ(CodeOf(int8(64), 4096), "");
  EXPECT_EQ(CodeOf(int8(65536), 65600), "");
  EXPECT_EQ(CodeOf(top_k(65536, 655), 4096), "");
  EXPECT_EQ(CodeOf(top_k(32, 32), 4096), "");
  for (const uint64_t block : {0, 1, 16, 33, 100, 131072}) {
    EXPECT_EQ(CodeOf(int8(block), 1 << 20), "encoding_block_elements") << block;
  }
  EXPECT_EQ(CodeOf({.block_elements = 64, .kept = 3}, 4096), "encoding_kept");
  EXPECT_EQ(CodeOf(top_k(64, std::nullopt), 4096), "encoding_kept");
  EXPECT_EQ(CodeOf(top_k(64, 0), 4096), "encoding_kept");
  EXPECT_EQ(CodeOf(top_k(64, 65), 4096), "encoding_kept");
  EXPECT_EQ(CodeOf(int8(4096), 4096), "encoding_block_bytes");
  EXPECT_EQ(CodeOf(top_k(4096, 683), 4096), "encoding_block_bytes");
  EXPECT_EQ(CodeOf(top_k(4096, 682), 4096), "");
}

// Block after block by the rule as docs/PROTOCOL.md states it.
struct Placed {
  size_t part;
  uint64_t element;
  uint64_t elements;
  uint64_t offset_bytes;
  bool operator==(const Placed&) const = default;
};

std::vector<Placed> PlaceOneByOne(const Tensors& tensors, const UpdateEncoding& encoding,
                                  uint64_t chunk_bytes, uint64_t& end) {
  std::vector<Placed> out;
  end = 0;
  for (size_t part = 0; part < tensors.size(); ++part) {
    end = (end + 63) / 64 * 64;
    for (uint64_t element = 0; element < tensors[part].elements();) {
      const uint64_t count = std::min(encoding.block_elements, tensors[part].elements() - element);
      const uint64_t size = encoding.block_bytes(tensors[part].dtype, count);
      if (end / chunk_bytes != (end + size - 1) / chunk_bytes) {
        end = (end / chunk_bytes + 1) * chunk_bytes;
      }
      out.push_back({part, element, count, end});
      end += size;
      element += count;
    }
  }
  return out;
}

std::vector<Placed> Flatten(const BlockRun& run, uint64_t block_elements) {
  std::vector<Placed> out;
  for (uint64_t done = 0; done < run.elements; done += block_elements) {
    out.push_back({run.part, run.element + done, std::min(block_elements, run.elements - done),
                   run.offset_bytes + done / block_elements * run.block_bytes});
  }
  EXPECT_EQ(run.size_bytes, out.size() * run.block_bytes);
  return out;
}

TEST(BlockLayoutTest, BlocksLieAsTheRulePlacesThemOneByOne) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int repeat = 0; repeat < 300; ++repeat) {
    Tensors tensors;
    for (uint64_t i = 0; i <= random() % 5; ++i) {
      tensors.push_back({.name = std::string(1, static_cast<char>('a' + i)),
                         .dtype = static_cast<Dtype>(random() % 3),
                         .shape = {1 + random() % (repeat % 2 == 0 ? 100 : 20000)}});
    }
    const uint64_t chunk_bytes = 4096 + random() % 20 * 64;
    UpdateEncoding encoding{.block_elements = uint64_t{32} << random() % 7};
    if (random() % 2 == 0) {
      encoding.kind = EncodingKind::kTopK;
      encoding.kept = 1 + random() % std::min<uint64_t>(encoding.block_elements, 600);
    }
    ASSERT_TRUE(CheckUpdateEncoding(encoding, chunk_bytes).ok());
    const PayloadLayout layout = PayloadLayout::Of(tensors, encoding, chunk_bytes);
    uint64_t end = 0;
    const std::vector<Placed> expected = PlaceOneByOne(tensors, encoding, chunk_bytes, end);
    ASSERT_EQ(layout.size_bytes, end);
    // In stretches of one to three chunks: the same blocks, each within one chunk.
    std::vector<Placed> found;
    for (uint64_t offset = 0; offset < end;) {
      const uint64_t size = std::min((1 + random() % 3) * chunk_bytes, end - offset);
      ForEachBlockRun(layout, offset, size, [&](const BlockRun& run) {
        ASSERT_GE(run.offset_bytes, offset);
        ASSERT_LE(run.offset_bytes + run.size_bytes, offset + size);
        ASSERT_EQ(run.offset_bytes / chunk_bytes,
                  (run.offset_bytes + run.size_bytes - 1) / chunk_bytes);
        for (const Placed& placed : Flatten(run, encoding.block_elements)) found.push_back(placed);
      });
      offset += size;
    }
    ASSERT_EQ(found, expected);
  }
}

TEST(BlockLayoutTest, WithoutAnEncodingTheLayoutIsWhatItWas) {
  const Tensors tensors = {{"a", Dtype::kF32, {3}}, {"b", Dtype::kF16, {32}}};
  EXPECT_EQ(PayloadLayout::Of(tensors, std::nullopt, 4096).size_bytes,
            PayloadLayout::Of(tensors).size_bytes);
}

}  // namespace
}  // namespace sealfold
