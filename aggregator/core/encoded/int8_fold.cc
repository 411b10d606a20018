#include "aggregator/core/encoded/int8_fold.h"

#include <algorithm>
#include <array>

#include "aggregator/core/encoded/int8_reference.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/fold/rounding.h"
#include "protocol/base/error.h"
#include "protocol/model/encoding.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "aggregator/core/encoded/int8_fold.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sealfold::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max) {
  return int8_reference::FindInt8Fault(block_elements, blocks, scale_bits_max);
}

void FoldInt8Many(uint64_t block_elements, absl::Span<const ByteSpan> blocks,
                  absl::Span<const double> scales, absl::Span<int64_t> sum) {
  int8_reference::FoldInt8Many(block_elements, blocks, scales, sum);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Vector = hn::Vec<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;
using BitVector = hn::Vec<Bits>;

// Vectors that a block fills, but for a tensor's last one.
using Elements = hn::CappedTag<int8_t, kBlockElementsMin>;
using ElementVector = hn::Vec<Elements>;

// Blocks are too short a stretch for the processor to begin fetching ahead by itself.
constexpr size_t kPrefetchBytes = 1024;

// Calls see(elements) for each vector of a block, its last elements one at a time.
template <class See>
HWY_INLINE void ForElements(const uint8_t* block, size_t count, See see) {
  const Elements d;
  const auto* const from = reinterpret_cast<const int8_t*>(block + kInt8ScaleBytes);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) see(hn::LoadU(d, from + i));
  for (; i < count; ++i) see(hn::Set(d, from[i]));
}

Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max) {
  const Elements d;
  ElementVector low = hn::Zero(d);           // the least so far, lane by lane
  ElementVector any_unscaled = hn::Zero(d);  // bits of those under a scale of zero
  const size_t block_bytes = kInt8ScaleBytes + block_elements;
  const uint8_t* const end = blocks.data() + blocks.size();
  for (const uint8_t* block = blocks.data(); block != end;) {
    const size_t count = std::min<size_t>(block_bytes, end - block) - kInt8ScaleBytes;
    const uint32_t scale_bits = LoadInt8ScaleBits(ByteSpan(block, kInt8ScaleBytes));
    const Int8Fault fault = int8_reference::ScaleFault(scale_bits, scale_bits_max);
    if (HWY_UNLIKELY(fault != Int8Fault::kNone)) return fault;
    __builtin_prefetch(block + kPrefetchBytes);
    if (HWY_LIKELY(scale_bits != 0)) {
      ForElements(block, count, [&](ElementVector x) { low = hn::Min(low, x); });
    } else {
      ForElements(block, count, [&](ElementVector x) { any_unscaled = hn::Or(any_unscaled, x); });
    }
    block += kInt8ScaleBytes + count;
  }
  const bool right = hn::AllFalse(d, hn::Lt(low, hn::Set(d, static_cast<int8_t>(-kInt8Max)))) &&
                     hn::AllTrue(d, hn::Eq(any_unscaled, hn::Zero(d)));
  return right ? Int8Fault::kNone : Int8Fault::kElement;
}

// As many elements as a vector has doubles.
HWY_INLINE Vector LoadElements(const uint8_t* from) {
  const hn::Rebind<int8_t, Doubles> narrow;
  const hn::Rebind<int32_t, Doubles> wide;
  const auto bytes = hn::LoadU(narrow, reinterpret_cast<const int8_t*>(from));
  return hn::PromoteTo(Doubles(), hn::PromoteTo(wide, bytes));
}

// Adds one stretch of a block of each of kUpdates updates to `count` sums. Each product plus 1.5 *
// 2^52 has the rounded product in its low bits; the bits of that constant are taken away once for
// all updates.
template <size_t kUpdates>
HWY_INLINE void AddElements(const std::array<const uint8_t*, kUpdates>& from,
                            const std::array<double, kUpdates>& factors, uint64_t* sum,
                            size_t count) {
  const Doubles d;
  const Bits u;
  const Vector magic = hn::Set(d, 0x1.8p52);
  const BitVector bias = hn::Set(u, (0x433ull << 52 | 1ull << 51) * kUpdates);
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    BitVector sum0 = hn::Sub(hn::LoadU(u, sum + i), bias);
    BitVector sum1 = hn::Sub(hn::LoadU(u, sum + i + lanes), bias);
    BitVector sum2 = hn::Sub(hn::LoadU(u, sum + i + 2 * lanes), bias);
    BitVector sum3 = hn::Sub(hn::LoadU(u, sum + i + 3 * lanes), bias);
    for (size_t k = 0; k < kUpdates; ++k) {
      const Vector factor = hn::Set(d, factors[k]);
      const uint8_t* const at = from[k] + i;
      const Vector x0 = LoadElements(at);
      const Vector x1 = LoadElements(at + lanes);
      const Vector x2 = LoadElements(at + 2 * lanes);
      const Vector x3 = LoadElements(at + 3 * lanes);
      sum0 = hn::Add(sum0, hn::BitCast(u, hn::MulAdd(x0, factor, magic)));
      sum1 = hn::Add(sum1, hn::BitCast(u, hn::MulAdd(x1, factor, magic)));
      sum2 = hn::Add(sum2, hn::BitCast(u, hn::MulAdd(x2, factor, magic)));
      sum3 = hn::Add(sum3, hn::BitCast(u, hn::MulAdd(x3, factor, magic)));
    }
    hn::StoreU(sum0, u, sum + i);
    hn::StoreU(sum1, u, sum + i + lanes);
    hn::StoreU(sum2, u, sum + i + 2 * lanes);
    hn::StoreU(sum3, u, sum + i + 3 * lanes);
  }
  for (; i < count; ++i) {
    for (size_t k = 0; k < kUpdates; ++k) {
      sum[i] += RoundedTerm(static_cast<int8_t>(from[k][i]) * factors[k]);
    }
  }
}

// As many sums as stay in the nearest cache while all updates go over them.
constexpr size_t kTileSums = 512;

// One tile, from element `first` of the run on, of kUpdates updates.
template <size_t kUpdates>
HWY_INLINE void AddTile(uint64_t block_elements, const ByteSpan* blocks, const double* scales,
                        uint64_t first, uint64_t end, uint64_t* sum) {
  const uint64_t stretch = std::min<uint64_t>(block_elements, kTileSums);
  uint64_t block_at = first / block_elements * (kInt8ScaleBytes + block_elements);
  uint64_t in_block = first % block_elements;
  for (uint64_t at = first; at < end; at += stretch) {
    std::array<const uint8_t*, kUpdates> from;
    std::array<double, kUpdates> factors;
    for (size_t k = 0; k < kUpdates; ++k) {
      const uint8_t* const block = blocks[k].data() + block_at;
      from[k] = block + kInt8ScaleBytes + in_block;
      factors[k] = Int8ScaleValue(LoadInt8ScaleBits(ByteSpan(block, kInt8ScaleBytes))) * scales[k];
    }
    AddElements<kUpdates>(from, factors, sum + at, std::min(stretch, end - at));
    in_block += stretch;
    if (in_block < block_elements) continue;
    in_block = 0;
    block_at += kInt8ScaleBytes + block_elements;
  }
}

void FoldInt8Many(uint64_t block_elements, absl::Span<const ByteSpan> blocks,
                  absl::Span<const double> scales, absl::Span<int64_t> sum) {
  auto* const sums = reinterpret_cast<uint64_t*>(sum.data());
  for (uint64_t first = 0; first < sum.size(); first += kTileSums) {
    const uint64_t end = std::min<uint64_t>(first + kTileSums, sum.size());
    size_t k = 0;
    for (; k + 8 <= blocks.size(); k += 8) {
      AddTile<8>(block_elements, &blocks[k], &scales[k], first, end, sums);
    }
    for (; k + 4 <= blocks.size(); k += 4) {
      AddTile<4>(block_elements, &blocks[k], &scales[k], first, end, sums);
    }
    for (; k + 2 <= blocks.size(); k += 2) {
      AddTile<2>(block_elements, &blocks[k], &scales[k], first, end, sums);
    }
    if (k < blocks.size()) {
      AddTile<1>(block_elements, &blocks[k], &scales[k], first, end, sums);
    }
  }
}

#endif

}  // namespace
}  // namespace sealfold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sealfold {
namespace {

HWY_EXPORT(FindInt8Fault);
HWY_EXPORT(FoldInt8Many);

// Whole blocks of that many elements, or one of fewer, with at least one.
bool AreBlocks(uint64_t block_elements, uint64_t size_bytes) {
  const uint64_t block_bytes = kInt8ScaleBytes + block_elements;
  return size_bytes > kInt8ScaleBytes &&
         (size_bytes < block_bytes || size_bytes % block_bytes == 0);
}

uint64_t ElementsIn(uint64_t block_elements, uint64_t size_bytes) {
  const uint64_t blocks = size_bytes / (kInt8ScaleBytes + block_elements);
  return blocks == 0 ? size_bytes - kInt8ScaleBytes : blocks * block_elements;
}

}  // namespace

Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max) {
  SEALFOLD_CHECK(AreBlocks(block_elements, blocks.size()));
  return HWY_DYNAMIC_DISPATCH(FindInt8Fault)(block_elements, blocks, scale_bits_max);
}

void FoldInt8Many(uint64_t block_elements, absl::Span<const ByteSpan> blocks,
                  absl::Span<const double> scales, absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(!blocks.empty() && blocks.size() <= kFoldUpdatesMax);
  SEALFOLD_CHECK(blocks.size() == scales.size());
  for (const ByteSpan update : blocks) {
    SEALFOLD_CHECK(AreBlocks(block_elements, update.size()) &&
                   ElementsIn(block_elements, update.size()) == sum.size());
  }
  HWY_DYNAMIC_DISPATCH(FoldInt8Many)(block_elements, blocks, scales, sum);
}

}  // namespace sealfold
#endif  // HWY_ONCE
