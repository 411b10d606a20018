// Compressed updates against integers of 128 bits, and every way in which one can be malformed.
#include "aggregator/core/encoded/encoded_payload.h"

#include <gtest/gtest.h>

#include <limits>

#include "aggregator/core/fold/testing_fold.h"
#include "aggregator/core/testing/sample_payload.h"
#include "protocol/base/error.h"
#include "protocol/model/block_layout.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"

namespace sealfold {
namespace {

using testing::DecodePayload;
using testing::RandomEncodedPayload;
using testing_fold::Seed;
using testing_fold::Targets;
using testing_fold::UseTarget;

constexpr uint64_t kChunkBytes = 4096;

const std::vector<TensorSpec> kTensors = {{"a", Dtype::kF32, {61, 143}},
                                          {"b", Dtype::kBf16, {1501}},
                                          {"c", Dtype::kF32, {}},
                                          {"d", Dtype::kF16, {3, 7, 95}}};

UpdateEncoding TopK(uint64_t block_elements, uint64_t kept) {
  return {.kind = EncodingKind::kTopK, .block_elements = block_elements, .kept = kept};
}

const std::vector<UpdateEncoding> kEncodings = {{.block_elements = 32},
                                                {.block_elements = 64},
                                                {.block_elements = 128},
                                                {.block_elements = 512},
                                                {.block_elements = 2048},
                                                TopK(32, 1),
                                                TopK(64, 64),
                                                TopK(1024, 33),
                                                TopK(65536, 600)};

// x * weight / 2^(exponent - 47) to the nearest integer, ties to even, without floating point but
// to take the double apart.
int64_t ExactTerm(double x, uint64_t weight, int exponent) {
  int place = 0;
  const auto significand = static_cast<__int128>(std::ldexp(std::frexp(x, &place), 53));
  const __int128 product = significand * static_cast<__int128>(weight);
  const int shift = exponent - 47 - (place - 53);
  if (shift <= 0) return static_cast<int64_t>(product << -shift);
  if (shift > 120) return 0;
  const __int128 unit = __int128{1} << shift;
  const __int128 magnitude = product < 0 ? -product : product;
  __int128 rounded = magnitude / unit;
  const __int128 rest = magnitude % unit;
  if (2 * rest > unit || (2 * rest == unit && rounded % 2 == 1)) ++rounded;
  return static_cast<int64_t>(product < 0 ? -rounded : rounded);
}

PayloadLayout LayoutOf(const UpdateEncoding& encoding) {
  SEALFOLD_CHECK(CheckUpdateEncoding(encoding, kChunkBytes).ok());
  return PayloadLayout::Of(kTensors, encoding, kChunkBytes);
}

// Stretches that start at `offset_bytes`, with their scales; nothing is wrong in them.
void FoldRight(FoldInto into, const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
               const std::vector<ByteSpan>& stretches, const std::vector<double>& scales,
               std::vector<int64_t>& sum) {
  std::vector<FoldInput> updates;
  for (size_t k = 0; k < stretches.size(); ++k) {
    updates.push_back({.elements = stretches[k], .scale = scales[k]});
  }
  ASSERT_EQ(FoldEncoded(into, layout, grid, offset_bytes, updates, absl::MakeSpan(sum)), 0u);
}

class EncodedPayloadTest : public ::testing::Test {
 protected:
  Grid RandomGrid() {
    const uint64_t weight_max = random_() % 3 == 0 ? kFoldWeightMax : 1 + random_() % 100'000;
    const double range = random_() % 3 == 0
                             ? 1e30
                             : std::ldexp(1.0 + static_cast<double>(random_() % 1000) / 1000,
                                          static_cast<int>(random_() % 40) - 20);
    return *Grid::Make(range, Weight(weight_max));
  }
  uint64_t RandomWeight(const Grid& grid) {
    const uint64_t max = grid.weight_max().value();
    return random_() % 4 == 0 ? max : 1 + random_() % max;
  }
  std::optional<UpdateFault> FaultOf(const PayloadLayout& layout, const Bytes& payload) {
    return FindEncodedFault(layout, *Grid::Make(1.0, Weight(1000)), 0, payload);
  }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
};

TEST_F(EncodedPayloadTest, EqualsTheExactSumInAnyOrderAndAnySplitIntoChunks) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const UpdateEncoding& encoding : kEncodings) {
      const PayloadLayout layout = LayoutOf(encoding);
      const Grid grid = RandomGrid();
      std::vector<int64_t> exact(layout.sum_elements);
      std::vector<Bytes> payloads;
      std::vector<double> scales;
      for (uint64_t k = 0; k < 1 + random_() % 7; ++k) {
        const uint64_t weight = RandomWeight(grid);
        payloads.push_back(RandomEncodedPayload(layout, grid.range(), random_));
        scales.push_back(grid.Scale(Weight(weight)));
        ASSERT_EQ(FindEncodedFault(layout, grid, 0, payloads.back()), std::nullopt);
        const std::vector<double> elements = DecodePayload(layout, payloads.back());
        for (size_t i = 0; i < elements.size(); ++i) {
          ASSERT_LE(std::abs(elements[i]), grid.range());
          exact[i] += ExactTerm(elements[i], weight, grid.exponent());
        }
      }
      std::vector<int64_t> whole(layout.sum_elements);
      const std::vector<ByteSpan> all(payloads.begin(), payloads.end());
      FoldRight(FoldInto::kAdd, layout, grid, 0, all, scales, whole);
      ASSERT_EQ(whole, exact);
      // Chunk by chunk, update by update, and taken out again.
      std::vector<int64_t> pieces(layout.sum_elements);
      for (size_t k = payloads.size(); k-- > 0;) {
        for (uint64_t at = 0; at < layout.size_bytes;) {
          const uint64_t size = std::min((1 + random_() % 3) * kChunkBytes, layout.size_bytes - at);
          const ByteSpan stretch = ByteSpan(payloads[k]).subspan(at, size);
          ASSERT_EQ(FindEncodedFault(layout, grid, at, stretch), std::nullopt);
          FoldRight(FoldInto::kAdd, layout, grid, at, {stretch}, {scales[k]}, pieces);
          at += size;
        }
      }
      ASSERT_EQ(pieces, exact);
      FoldRight(FoldInto::kSubtract, layout, grid, 0, all, scales, pieces);
      ASSERT_EQ(pieces, std::vector<int64_t>(layout.sum_elements));
    }
  }
}

// Neither the stretch nor the tensors' first blocks need lie at an address that suits vectors.
TEST_F(EncodedPayloadTest, StretchesNeedNoAlignment) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const UpdateEncoding& encoding : kEncodings) {
      const PayloadLayout layout = LayoutOf(encoding);
      const Grid grid = RandomGrid();
      const double scale = grid.Scale(Weight(RandomWeight(grid)));
      const Bytes payload = RandomEncodedPayload(layout, grid.range(), random_);
      std::vector<int64_t> exact(layout.sum_elements);
      FoldRight(FoldInto::kAdd, layout, grid, 0, {payload}, {scale}, exact);
      for (const size_t offset : {1, 2, 3, 4, 7, 31, 63}) {
        // At the very end of its allocation, where a sanitizer sees a read beyond.
        Bytes moved(offset);
        Append(moved, payload);
        moved.shrink_to_fit();
        const ByteSpan stretch = ByteSpan(moved).subspan(offset);
        ASSERT_EQ(FindEncodedFault(layout, grid, 0, stretch), std::nullopt);
        std::vector<int64_t> sum(layout.sum_elements);
        FoldRight(FoldInto::kAdd, layout, grid, 0, {stretch, stretch, stretch},
                  {scale, scale, scale}, sum);
        FoldRight(FoldInto::kSubtract, layout, grid, 0, {stretch, stretch}, {scale, scale}, sum);
        ASSERT_EQ(sum, exact) << offset;
      }
    }
  }
}

TEST_F(EncodedPayloadTest, ManyAtOnceEqualOneAfterAnother) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    const PayloadLayout layout = LayoutOf({.block_elements = 64});
    for (const size_t updates : {2, 3, 4, 5, 8, 11, 16, 64}) {
      std::vector<Bytes> payloads;
      std::vector<double> scales;
      std::vector<int64_t> one_by_one(layout.sum_elements);
      for (int64_t& s : one_by_one) s = static_cast<int64_t>(random_());
      std::vector<int64_t> at_once = one_by_one;
      const Grid grid = RandomGrid();
      for (size_t k = 0; k < updates; ++k) {
        payloads.push_back(RandomEncodedPayload(layout, grid.range(), random_));
        scales.push_back(grid.Scale(Weight(RandomWeight(grid))));
        FoldRight(FoldInto::kAdd, layout, grid, 0, {payloads[k]}, {scales[k]}, one_by_one);
      }
      FoldRight(FoldInto::kAdd, layout, grid, 0,
                std::vector<ByteSpan>(payloads.begin(), payloads.end()), scales, at_once);
      ASSERT_EQ(at_once, one_by_one);
    }
  }
}

// An update of int8 blocks is a dense float32 update written shorter: the same bits in the sum.
TEST_F(EncodedPayloadTest, Int8BlocksFoldAsTheDenseFloatsTheyStandFor) {
  const PayloadLayout layout = LayoutOf({.block_elements = 64});
  const Grid grid = RandomGrid();
  const double scale = grid.Scale(Weight(RandomWeight(grid)));
  const Bytes payload = RandomEncodedPayload(layout, grid.range(), random_);
  const std::vector<double> elements = DecodePayload(layout, payload);
  Bytes floats(elements.size() * 4);
  for (size_t i = 0; i < elements.size(); ++i) {
    WriteElement(Dtype::kF32, elements[i], &floats[4 * i]);
    ASSERT_EQ(ReadElement(Dtype::kF32, &floats[4 * i]), elements[i]);
  }
  std::vector<int64_t> blocks(layout.sum_elements);
  std::vector<int64_t> dense(layout.sum_elements);
  FoldRight(FoldInto::kAdd, layout, grid, 0, {payload}, {scale}, blocks);
  const FoldInput input{.elements = floats, .scale = scale};
  EXPECT_EQ(Fold(FoldInto::kAdd, Dtype::kF32, {&input, 1}, grid.range(), absl::MakeSpan(dense)),
            0u);
  EXPECT_EQ(blocks, dense);
}

// Ways to spoil a payload, with any of which it has a fault.
void Spoil(const PayloadLayout& layout, std::mt19937_64& random, Bytes& payload) {
  std::vector<BlockRun> runs;
  ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) { runs.push_back(run); });
  const uint64_t at = runs[random() % runs.size()].offset_bytes;
  const auto write = [&](uint64_t offset, uint32_t bits) {
    std::memcpy(&payload[offset], &bits, sizeof(bits));
  };
  if (layout.encoding->kind == EncodingKind::kTopK) return write(at, 0xFFFFFFFF);
  switch (random() % 6) {
    case 0:
      return write(at, 0x7F800000);  // infinity
    case 1:
      return write(at, 0xFFC12380);  // NaN
    case 2:
      return write(at, 0x7F000000);  // beyond the range
    case 3:
      return write(at, 0x00000080);  // subnormal
    case 4:
      payload[at + kInt8ScaleBytes + random() % 2] = 0x80;
      return;
    default:
      write(at, 0);
      payload[at + kInt8ScaleBytes] = 1;
  }
}

TEST_F(EncodedPayloadTest, UpdatesWithAFaultLeaveNoTraceAmongOthers) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const UpdateEncoding& encoding : kEncodings) {
      if (encoding.kind == EncodingKind::kTopK && encoding.kept == 1) continue;
      const PayloadLayout layout = LayoutOf(encoding);
      const Grid grid = *Grid::Make(1.0, Weight(1000));
      for (const FoldInto into : {FoldInto::kAdd, FoldInto::kSubtract}) {
        std::vector<Bytes> payloads;
        for (uint64_t k = 0; k < 1 + random_() % 11; ++k) {
          payloads.push_back(RandomEncodedPayload(layout, grid.range(), random_));
        }
        std::vector<int64_t> sum(layout.sum_elements);
        for (int64_t& s : sum) s = static_cast<int64_t>(random_());
        std::vector<int64_t> others = sum;
        uint64_t spoilt = 0;
        std::vector<FoldInput> updates;
        for (size_t k = 0; k < payloads.size(); ++k) {
          const double scale = grid.Scale(Weight(RandomWeight(grid)));
          if (random_() % 3 == 0) {
            Spoil(layout, random_, payloads[k]);
            ASSERT_NE(FindEncodedFault(layout, grid, 0, payloads[k]), std::nullopt);
            spoilt |= uint64_t{1} << k;
          } else {
            FoldRight(into, layout, grid, 0, {payloads[k]}, {scale}, others);
          }
          updates.push_back({.elements = payloads[k], .scale = scale});
        }
        ASSERT_EQ(FoldEncoded(into, layout, grid, 0, updates, absl::MakeSpan(sum)), spoilt);
        ASSERT_EQ(sum, others);
      }
    }
  }
}

TEST_F(EncodedPayloadTest, EveryByteThatIsNoBlocksMustBeZero) {
  for (const UpdateEncoding& encoding : kEncodings) {
    const PayloadLayout layout = LayoutOf(encoding);
    const Bytes payload = RandomEncodedPayload(layout, 1.0, random_);
    std::vector<bool> in_block(payload.size());
    ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
      std::fill_n(in_block.begin() + static_cast<ptrdiff_t>(run.offset_bytes), run.size_bytes,
                  true);
    });
    for (size_t i = 0; i < payload.size(); ++i) {
      if (in_block[i]) continue;
      Bytes wrong = payload;
      wrong[i] = 1;
      ASSERT_EQ(FaultOf(layout, wrong), UpdateFault::kPaddingNotZero) << i;
      const FoldInput update{.elements = wrong, .scale = 1.0};
      std::vector<int64_t> sum(layout.sum_elements);
      ASSERT_EQ(FoldEncoded(FoldInto::kAdd, layout, *Grid::Make(1.0, Weight(1000)), 0, {&update, 1},
                            absl::MakeSpan(sum)),
                1u);
      ASSERT_EQ(sum, std::vector<int64_t>(layout.sum_elements));
      i += random_() % 20;
    }
  }
}

TEST_F(EncodedPayloadTest, AMalformedInt8BlockIsRefusedByName) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const uint64_t block_elements : {32, 64, 2048}) {
      const PayloadLayout layout = LayoutOf({.block_elements = block_elements});
      // Offsets of blocks and how many elements each has: the tensor's last, shorter one too.
      std::vector<std::pair<uint64_t, uint64_t>> blocks;
      ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
        blocks.emplace_back(run.offset_bytes + run.size_bytes - run.block_bytes,
                            run.block_bytes - kInt8ScaleBytes);
      });
      const Bytes right = RandomEncodedPayload(layout, 1.0, random_);
      ASSERT_EQ(FaultOf(layout, right), std::nullopt);
      for (const auto& block : blocks) {
        const uint64_t offset = block.first;
        const uint64_t elements = block.second;
        const auto with_scale = [&](uint32_t bits) {
          Bytes payload = right;
          std::memcpy(&payload[offset], &bits, sizeof(bits));
          return payload;
        };
        const uint32_t bits_max = Int8ScaleBitsMax(1.0);
        for (const uint32_t bits : {0x80000000u, bits_max | 0x80000000u, 0x00400000u, 1u,
                                    bits_max - 1, 0x7F800000u, 0x7FC00000u, 0xFFFFFFFFu}) {
          EXPECT_EQ(FaultOf(layout, with_scale(bits)), UpdateFault::kScaleWrong) << bits;
        }
        EXPECT_EQ(FaultOf(layout, with_scale(bits_max)), std::nullopt);
        EXPECT_EQ(FaultOf(layout, with_scale(bits_max + 0x80)), UpdateFault::kOutOfRange);
        Bytes wrong = with_scale(bits_max);
        const uint64_t element = offset + kInt8ScaleBytes + random_() % elements;
        wrong[element] = 0x80;  // -128
        EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kElementWrong);
        wrong = with_scale(0);
        std::fill_n(wrong.begin() + static_cast<ptrdiff_t>(offset + kInt8ScaleBytes), elements, 0);
        EXPECT_EQ(FaultOf(layout, wrong), std::nullopt);
        for (const uint8_t other : {0x01, 0xFF}) {
          wrong[element] = other;
          EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kElementWrong);
        }
      }
    }
  }
}

TEST_F(EncodedPayloadTest, AMalformedTopKBlockIsRefusedByName) {
  for (const UpdateEncoding& encoding : {TopK(32, 3), TopK(1024, 33), TopK(65536, 600)}) {
    const PayloadLayout layout = LayoutOf(encoding);
    const Bytes right = RandomEncodedPayload(layout, 1.0, random_);
    ASSERT_EQ(FaultOf(layout, right), std::nullopt);
    ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
      const uint64_t elements = std::min(encoding.block_elements, run.elements);
      const uint64_t carried = encoding.carried(elements);
      const uint64_t block = run.offset_bytes + run.size_bytes - run.block_bytes;
      const auto set_place = [&](Bytes& payload, uint64_t index, uint64_t place) {
        payload[block + 2 * index] = static_cast<uint8_t>(place);
        payload[block + 2 * index + 1] = static_cast<uint8_t>(place >> 8);
      };
      Bytes wrong = right;
      if (elements < 65536) {
        set_place(wrong, carried - 1, elements);
        EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kPlaceWrong);
      }
      if (carried > 1) {
        const uint64_t i = random_() % (carried - 1);
        wrong = right;
        std::copy_n(right.begin() + static_cast<ptrdiff_t>(block + 2 * i), 2,
                    wrong.begin() + static_cast<ptrdiff_t>(block + 2 * i + 2));
        EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kPlacesUnordered);
        wrong = right;
        std::swap_ranges(wrong.begin() + static_cast<ptrdiff_t>(block + 2 * i),
                         wrong.begin() + static_cast<ptrdiff_t>(block + 2 * i + 2),
                         wrong.begin() + static_cast<ptrdiff_t>(block + 2 * i + 2));
        EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kPlacesUnordered);
      }
      const Dtype dtype = layout.parts[run.part].dtype;
      for (const double bad : {1.25, -1.25, std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()}) {
        wrong = right;
        const uint64_t i = random_() % carried;
        WriteElement(dtype, bad, &wrong[block + 2 * carried + i * DtypeSizeBytes(dtype)]);
        EXPECT_EQ(FaultOf(layout, wrong), UpdateFault::kOutOfRange);
      }
    });
  }
}

}  // namespace
}  // namespace sealfold
