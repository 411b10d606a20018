#include "aggregator/core/encoded/int8_fold.h"

#include <algorithm>
#include <array>

#include "aggregator/core/encoded/int8_reference.h"
#include "aggregator/core/fold/kernel.h"
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

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum) {
  return int8_reference::FoldInt8(into, block_elements, scale_bits_max, inputs, sum);
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

// As many elements as a vector has doubles. AVX-512 widens them to 64 bits in one instruction, of
// which Highway has no name, and converts them in another; the others go by way of int32.
HWY_INLINE Vector LoadElements(const uint8_t* from) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  using Wide = hn::Vec<hn::RebindToSigned<Doubles>>;
  return hn::ConvertTo(Doubles(), Wide{_mm512_cvtepi8_epi64(bytes)});
#else
  const hn::Rebind<int8_t, Doubles> narrow;
  const hn::Rebind<int32_t, Doubles> wide;
  const auto bytes = hn::LoadU(narrow, reinterpret_cast<const int8_t*>(from));
  return hn::PromoteTo(Doubles(), hn::PromoteTo(wide, bytes));
#endif
}

// As many elements as four vectors have doubles.
using FourVectors = hn::Half<hn::Repartition<int8_t, Doubles>>;
using FourVector = hn::Vec<FourVectors>;

// What one call folds, of any number of updates.
struct Job {
  uint64_t block_elements;
  uint32_t scale_bits_max;
  uint64_t* sum;
};

// As many sums as stay in the nearest cache while all updates go over them, and the blocks that
// they may lie in, at least as many as a vector has doubles.
constexpr size_t kTileSums = 512;
constexpr size_t kTileBlocksMax =
    std::max<size_t>(kTileSums / kBlockElementsMin, hn::MaxLanes(Doubles()));

// The sums of some whole blocks, or of a part of one.
struct Tile {
  uint64_t first;             // sum
  uint64_t count;             // of sums
  uint64_t blocks_at;         // where the first block starts, in bytes of each update
  uint64_t block_bytes;       // of each block but a tensor's last one
  uint64_t passed;            // elements of the first block that come before the tile
  uint64_t stretch_elements;  // of a block that lie in the tile, at most
  size_t blocks;
  bool fetch_sums;  // those that come after; else they are in the nearest cache
};

Tile TileAt(const Job& job, uint64_t first, uint64_t end) {
  const uint64_t block_bytes = kInt8ScaleBytes + job.block_elements;
  const uint64_t count = std::min<uint64_t>(kTileSums, end - first);
  const uint64_t stretch_elements = std::min<uint64_t>(job.block_elements, kTileSums);
  return {.first = first,
          .count = count,
          .blocks_at = first / job.block_elements * block_bytes,
          .block_bytes = block_bytes,
          .passed = first % job.block_elements,
          .stretch_elements = stretch_elements,
          .blocks = (count + stretch_elements - 1) / stretch_elements,
          .fetch_sums = true};
}

// The elements of block number `block` that lie in the tile.
HWY_INLINE size_t StretchCount(const Tile& tile, size_t block) {
  return std::min(tile.stretch_elements, tile.count - block * tile.stretch_elements);
}

// What the elements of a tile's blocks are multiplied by, of kUpdates updates.
template <size_t kUpdates>
struct Factors {
  // The scale of the block times that of the update.
  HWY_ALIGN std::array<std::array<double, kTileBlocksMax>, kUpdates> of;
  // Not zero where the terms of the updates have to be rounded one by one.
  HWY_ALIGN std::array<uint64_t, kTileBlocksMax> one_by_one;
};

// Terms are rounded as they are added up: beside 1.5 * 2^52 and whole numbers there is no place for
// a fraction. What comes out is the sum of the rounded terms, as long as
//   - no term lies half way between two whole numbers, where ties to even would look at the sum
//     instead of at the term. With elements from -128 (none, but found out only afterwards) to 127,
//     only a factor that is a multiple of 2^-8 but not a whole number has such terms;
//   - the sum stays where doubles are the whole numbers and nothing else, from 2^52 to 2^53.
constexpr double kHalfwayStep = 0x1p-8;
constexpr double kFactorsEnd = 0x1p43;  // of all updates: times 128, well below 2^51

HWY_INLINE Vector RoundedToMultiple(Vector x, double step) {
  const Vector magic = hn::Set(Doubles(), kRoundingMagic * step);
  return hn::Sub(hn::Add(x, magic), magic);
}

// True if an element under a scale of zero is not zero.
bool AnyUnscaled(const Tile& tile, const FoldInput& input) {
  const Elements d;
  ElementVector any = hn::Zero(d);
  const uint8_t* block = input.elements.data() + tile.blocks_at;
  for (size_t b = 0; b < tile.blocks; ++b, block += tile.block_bytes) {
    if (LoadInt8ScaleBits(ByteSpan(block, kInt8ScaleBytes)) != 0) continue;
    ForElements(block + tile.passed, StretchCount(tile, b),
                [&](ElementVector x) { any = hn::Or(any, x); });
  }
  return !hn::AllTrue(d, hn::Eq(any, hn::Zero(d)));
}

// Returns true if a scale is wrong, or is zero and has an element that is not.
template <size_t kUpdates>
HWY_INLINE bool FindFactors(const Job& job, const FoldInput* inputs, const Tile& tile,
                            Factors<kUpdates>& factors) {
  const Doubles d;
  const hn::Rebind<uint32_t, Doubles> n;
  const hn::Rebind<float, Doubles> f;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN std::array<std::array<uint32_t, kTileBlocksMax>, kUpdates> bits;
  for (size_t k = 0; k < kUpdates; ++k) {
    const uint8_t* block = inputs[k].elements.data() + tile.blocks_at;
    size_t b = 0;
    for (; b < tile.blocks; ++b, block += tile.block_bytes) {
      bits[k][b] = LoadInt8ScaleBits(ByteSpan(block, kInt8ScaleBytes));
    }
    for (; b % lanes != 0; ++b) bits[k][b] = bits[k][0];
  }
  auto least = hn::Set(n, job.scale_bits_max);
  auto most = least;
  auto low_bits = hn::Zero(n);
  for (size_t b = 0; b < tile.blocks; b += lanes) {
    Vector total = hn::Zero(d);
    auto halfway = hn::MaskFromVec(total);
    for (size_t k = 0; k < kUpdates; ++k) {
      const auto scale = hn::Load(n, &bits[k][b]);
      least = hn::Min(least, scale);
      most = hn::Max(most, scale);
      low_bits = hn::Or(low_bits, scale);
      const Vector factor =
          hn::Mul(hn::PromoteTo(d, hn::BitCast(f, scale)), hn::Set(d, inputs[k].scale));
      hn::Store(factor, d, &factors.of[k][b]);
      if constexpr (kUpdates == 1) continue;
      total = hn::Add(total, factor);
      halfway = hn::Or(halfway, hn::And(hn::Eq(RoundedToMultiple(factor, kHalfwayStep), factor),
                                        hn::Ne(RoundedToMultiple(factor, 1), factor)));
    }
    const auto one_by_one = hn::Or(halfway, hn::Ge(total, hn::Set(d, kFactorsEnd)));
    hn::Store(hn::BitCast(Bits(), hn::VecFromMask(d, one_by_one)), Bits(), &factors.one_by_one[b]);
  }
  const auto usual =
      hn::And(hn::And(hn::Eq(hn::Max(least, hn::Set(n, kInt8LeastScaleBits)), least),
                      hn::Eq(most, hn::Set(n, job.scale_bits_max))),
              hn::Eq(hn::And(low_bits, hn::Set(n, kInt8ScaleZeroBits)), hn::Zero(n)));
  if (HWY_LIKELY(hn::AllTrue(n, usual))) return false;
  bool wrong = false;
  bool unscaled = false;
  for (size_t k = 0; k < kUpdates; ++k) {
    for (size_t b = 0; b < tile.blocks; ++b) {
      wrong |= int8_reference::ScaleFault(bits[k][b], job.scale_bits_max) != Int8Fault::kNone;
    }
    unscaled |= AnyUnscaled(tile, inputs[k]);
  }
  // A scale may be no number, and spoil what it is added up with.
  if (wrong) factors.one_by_one.fill(1);
  return wrong || unscaled;
}

// How far before their use blocks are fetched, where the caller has nothing else to be fetched:
// they are too short a stretch for the processor to begin by itself.
constexpr size_t kAheadBytes = 1024;

// Folds `count` elements, which start at `offset_bytes` in all updates; the factor of an update is
// kTileBlocksMax after that of the one before. Returns the least elements, with `least`.
template <size_t kUpdates, bool kSubtract>
HWY_INLINE FourVector FoldStretch(const FoldInput* inputs, const double* factors,
                                  uint64_t offset_bytes, uint64_t* sum, size_t count,
                                  bool fetch_sums, FourVector least) {
  static_assert(kUpdates == 1 || !kSubtract);
  const Doubles d;
  const Bits u;
  const FourVectors four;
  const size_t lanes = hn::Lanes(d);
  const auto put = [&](Vector terms, uint64_t* to) HWY_ATTR {
    const BitVector bits = hn::Sub(hn::BitCast(u, terms), hn::Set(u, RoundingMagicBits(1)));
    const BitVector before = hn::LoadU(u, to);
    hn::StoreU(kSubtract ? hn::Sub(before, bits) : hn::Add(before, bits), u, to);
  };
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    if (fetch_sums) FetchSumsAhead(sum + i, 4 * lanes);
    Vector terms0 = hn::Set(d, kRoundingMagic);
    Vector terms1 = terms0;
    Vector terms2 = terms0;
    Vector terms3 = terms0;
    for (size_t k = 0; k < kUpdates; ++k) {
      const Vector factor = hn::Set(d, factors[k * kTileBlocksMax]);
      const uint8_t* const at = inputs[k].elements.data() + offset_bytes + i;
      __builtin_prefetch(inputs[k].ahead + offset_bytes + i, 0, 2);
      least = hn::Min(least, hn::LoadU(four, reinterpret_cast<const int8_t*>(at)));
      terms0 = hn::MulAdd(LoadElements(at), factor, terms0);
      terms1 = hn::MulAdd(LoadElements(at + lanes), factor, terms1);
      terms2 = hn::MulAdd(LoadElements(at + 2 * lanes), factor, terms2);
      terms3 = hn::MulAdd(LoadElements(at + 3 * lanes), factor, terms3);
    }
    put(terms0, sum + i);
    put(terms1, sum + i + lanes);
    put(terms2, sum + i + 2 * lanes);
    put(terms3, sum + i + 3 * lanes);
  }
  for (; i < count; ++i) {
    for (size_t k = 0; k < kUpdates; ++k) {
      const auto element = static_cast<int8_t>(inputs[k].elements[offset_bytes + i]);
      const uint64_t term = RoundedTerm(element * factors[k * kTileBlocksMax]);
      least = hn::Min(least, hn::Set(four, element));
      sum[i] += kSubtract ? -term : term;
    }
  }
  return least;
}

// What a fold saw of its updates, of which it cannot say which one it was.
struct Seen {
  HWY_ALIGN std::array<int8_t, hn::MaxLanes(FourVectors())> least = {};  // elements, lane by lane
  bool wrong = false;
};

template <size_t kUpdates, bool kSubtract = false>
void FoldTile(const Job& job, const FoldInput* inputs, const Tile& tile, Seen& seen) {
  const FourVectors four;
  Factors<kUpdates> factors;
  if (FindFactors<kUpdates>(job, inputs, tile, factors)) seen.wrong = true;
  FourVector least = hn::Load(four, seen.least.data());
  uint64_t offset_bytes = tile.blocks_at + kInt8ScaleBytes + tile.passed;
  uint64_t* sum = job.sum + tile.first;
  for (size_t b = 0; b < tile.blocks; ++b) {
    const size_t count = StretchCount(tile, b);
    if (kUpdates == 1 || HWY_LIKELY(factors.one_by_one[b] == 0)) {
      least = FoldStretch<kUpdates, kSubtract>(inputs, &factors.of[0][b], offset_bytes, sum, count,
                                               tile.fetch_sums, least);
    } else {
      for (size_t k = 0; k < kUpdates; ++k) {
        least = FoldStretch<1, false>(&inputs[k], &factors.of[k][b], offset_bytes, sum, count,
                                      tile.fetch_sums, least);
      }
    }
    offset_bytes += tile.block_bytes;
    sum += count;
  }
  hn::Store(least, four, seen.least.data());
}

void FoldTileOf(FoldInto into, size_t updates, const Job& job, const FoldInput* inputs,
                const Tile& tile, Seen& seen) {
  if (into == FoldInto::kSubtract) return FoldTile<1, true>(job, inputs, tile, seen);
  switch (updates) {
    case 8:
      return FoldTile<8>(job, inputs, tile, seen);
    case 4:
      return FoldTile<4>(job, inputs, tile, seen);
    case 2:
      return FoldTile<2>(job, inputs, tile, seen);
    default:
      return FoldTile<1>(job, inputs, tile, seen);
  }
}

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum) {
  const Job job{block_elements, scale_bits_max, reinterpret_cast<uint64_t*>(sum.data())};
  std::array<FoldInput, kFoldUpdatesMax> own;
  std::copy(inputs.begin(), inputs.end(), own.begin());
  for (FoldInput& input : absl::MakeSpan(own).first(inputs.size())) {
    if (input.ahead == nullptr) input.ahead = input.elements.data() + kAheadBytes;
  }
  Seen seen;
  for (uint64_t first = 0; first < sum.size(); first += kTileSums) {
    Tile tile = TileAt(job, first, sum.size());
    for (size_t k = 0; k < inputs.size();) {
      const size_t now = UpdatesAtOnce(into, inputs.size() - k);
      FoldTileOf(into, now, job, &own[k], tile, seen);
      tile.fetch_sums = false;
      k += now;
    }
  }
  const FourVectors four;
  const auto least = hn::Load(four, seen.least.data());
  if (!seen.wrong && hn::AllFalse(four, hn::Lt(least, hn::Set(four, int8_t{-kInt8Max})))) return 0;
  uint64_t bad = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Int8Fault fault = FindInt8Fault(block_elements, inputs[k].elements, scale_bits_max);
    if (fault != Int8Fault::kNone) bad |= uint64_t{1} << k;
  }
  return bad;
}

#endif

}  // namespace
}  // namespace sealfold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sealfold {
namespace {

HWY_EXPORT(FindInt8Fault);
HWY_EXPORT(FoldInt8);

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

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(into == FoldInto::kAdd || into == FoldInto::kSubtract);
  SEALFOLD_CHECK(!inputs.empty() && inputs.size() <= kFoldUpdatesMax);
  for (const FoldInput& input : inputs) {
    SEALFOLD_CHECK(AreBlocks(block_elements, input.elements.size()) &&
                   ElementsIn(block_elements, input.elements.size()) == sum.size());
  }
  return HWY_DYNAMIC_DISPATCH(FoldInt8)(into, block_elements, scale_bits_max, inputs, sum);
}

}  // namespace sealfold
#endif  // HWY_ONCE
