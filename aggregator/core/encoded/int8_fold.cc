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
constexpr size_t kFourVectorsMax = hn::MaxLanes(FourVectors());

// What is wrong with an update, over a fold.
struct Seen {
  HWY_ALIGN int8_t low[kFourVectorsMax] = {};  // the least element of each lane
  bool bad = false;
};

template <bool kSubtract>
HWY_INLINE BitVector WithTerm(BitVector sum, Vector x, Vector factor) {
  const BitVector term =
      hn::BitCast(Bits(), hn::MulAdd(x, factor, hn::Set(Doubles(), kRoundingMagic)));
  return kSubtract ? hn::Sub(sum, term) : hn::Add(sum, term);
}

// A stretch of a block of each of kUpdates updates, and the sums that it goes into.
template <size_t kUpdates>
struct Stretch {
  uint64_t offset_bytes;                 // of its elements, in all updates
  std::array<double, kUpdates> factors;  // scale of the block times that of the update
  uint64_t* sum;
  size_t count;
  bool fetch_sums;  // those that come after; else they are in the nearest cache
};

// How far before their use blocks are fetched, where the caller has nothing else to be fetched:
// they are too short a stretch for the processor to begin by itself.
constexpr size_t kAheadBytes = 1024;

// Each product plus 1.5 * 2^52 has the rounded product in its low bits; the bits of that constant
// are taken away once for all updates.
template <size_t kUpdates, bool kSubtract>
HWY_INLINE void FoldStretch(const Stretch<kUpdates>& stretch, const FoldInput* inputs, Seen* seen) {
  const Doubles d;
  const Bits u;
  const FourVectors four;
  constexpr uint64_t kMagicBits = RoundingMagicBits(kUpdates);
  const BitVector bias = hn::Set(u, kSubtract ? kMagicBits : -kMagicBits);
  const size_t lanes = hn::Lanes(d);
  uint64_t* const sum = stretch.sum;
  size_t i = 0;
  for (; i + 4 * lanes <= stretch.count; i += 4 * lanes) {
    if (stretch.fetch_sums) FetchSumsAhead(sum + i, 4 * lanes);
    BitVector sum0 = hn::Add(hn::LoadU(u, sum + i), bias);
    BitVector sum1 = hn::Add(hn::LoadU(u, sum + i + lanes), bias);
    BitVector sum2 = hn::Add(hn::LoadU(u, sum + i + 2 * lanes), bias);
    BitVector sum3 = hn::Add(hn::LoadU(u, sum + i + 3 * lanes), bias);
    for (size_t k = 0; k < kUpdates; ++k) {
      const Vector factor = hn::Set(d, stretch.factors[k]);
      const uint8_t* const at = inputs[k].elements.data() + stretch.offset_bytes + i;
      __builtin_prefetch(inputs[k].ahead + stretch.offset_bytes + i, 0, 2);
      const auto elements = hn::LoadU(four, reinterpret_cast<const int8_t*>(at));
      hn::Store(hn::Min(hn::Load(four, seen[k].low), elements), four, seen[k].low);
      sum0 = WithTerm<kSubtract>(sum0, LoadElements(at), factor);
      sum1 = WithTerm<kSubtract>(sum1, LoadElements(at + lanes), factor);
      sum2 = WithTerm<kSubtract>(sum2, LoadElements(at + 2 * lanes), factor);
      sum3 = WithTerm<kSubtract>(sum3, LoadElements(at + 3 * lanes), factor);
    }
    hn::StoreU(sum0, u, sum + i);
    hn::StoreU(sum1, u, sum + i + lanes);
    hn::StoreU(sum2, u, sum + i + 2 * lanes);
    hn::StoreU(sum3, u, sum + i + 3 * lanes);
  }
  for (; i < stretch.count; ++i) {
    for (size_t k = 0; k < kUpdates; ++k) {
      const auto element = static_cast<int8_t>(inputs[k].elements[stretch.offset_bytes + i]);
      const uint64_t term = RoundedTerm(element * stretch.factors[k]);
      seen[k].bad = seen[k].bad || element < -kInt8Max;
      sum[i] += kSubtract ? -term : term;
    }
  }
}

// What one call folds, of any number of updates.
struct Job {
  uint64_t block_elements;
  uint32_t scale_bits_max;
  uint64_t* sum;
};

// As many sums as stay in the nearest cache while all updates go over them.
constexpr size_t kTileSums = 512;

// One tile, the elements from `first` to `end`, of kUpdates updates.
template <size_t kUpdates, bool kSubtract = false>
HWY_INLINE void FoldTile(const Job& job, const FoldInput* inputs, Seen* seen, uint64_t first,
                         uint64_t end, bool fetch_sums) {
  const uint64_t block_bytes = kInt8ScaleBytes + job.block_elements;
  const uint64_t stretch_elements = std::min<uint64_t>(job.block_elements, kTileSums);
  uint64_t block_at = first / job.block_elements * block_bytes;
  uint64_t in_block = first % job.block_elements;
  std::array<double, kUpdates> scales;
  for (size_t k = 0; k < kUpdates; ++k) scales[k] = inputs[k].scale;
  std::array<uint32_t, kUpdates> wrong = {};
  Stretch<kUpdates> stretch{};
  stretch.fetch_sums = fetch_sums;
  for (uint64_t at = first; at < end; at += stretch_elements) {
    stretch.offset_bytes = block_at + kInt8ScaleBytes + in_block;
    stretch.sum = job.sum + at;
    stretch.count = std::min(stretch_elements, end - at);
    std::array<uint32_t, kUpdates> bits;
#pragma GCC unroll 8
    for (size_t k = 0; k < kUpdates; ++k) {
      bits[k] = LoadInt8ScaleBits(ByteSpan(inputs[k].elements.data() + block_at, kInt8ScaleBytes));
    }
    // Short loops over arrays, so that a compiler makes vectors of them: where blocks are short,
    // their scales take as long as half of their elements.
    uint32_t zeros = 0;
    for (size_t k = 0; k < kUpdates; ++k) {
      stretch.factors[k] = Int8ScaleValue(bits[k]) * scales[k];
      wrong[k] |= int8_reference::ScaleFaultBits(bits[k], job.scale_bits_max);
      zeros |= static_cast<uint32_t>(bits[k] == 0);
    }
    if (HWY_UNLIKELY(zeros != 0)) {
      for (size_t k = 0; k < kUpdates; ++k) {
        if (bits[k] != 0) continue;
        const ByteSpan elements = inputs[k].elements.subspan(stretch.offset_bytes, stretch.count);
        seen[k].bad |=
            std::any_of(elements.begin(), elements.end(), [](uint8_t e) { return e != 0; });
      }
    }
    FoldStretch<kUpdates, kSubtract>(stretch, inputs, seen);
    in_block += stretch_elements;
    if (in_block < job.block_elements) continue;
    in_block = 0;
    block_at += block_bytes;
  }
  for (size_t k = 0; k < kUpdates; ++k) seen[k].bad |= wrong[k] != 0;
}

void FoldTileOf(FoldInto into, size_t updates, const Job& job, const FoldInput* inputs, Seen* seen,
                uint64_t first, uint64_t end, bool fetch_sums) {
  if (into == FoldInto::kSubtract) {
    return FoldTile<1, true>(job, inputs, seen, first, end, fetch_sums);
  }
  switch (updates) {
    case 8:
      return FoldTile<8>(job, inputs, seen, first, end, fetch_sums);
    case 4:
      return FoldTile<4>(job, inputs, seen, first, end, fetch_sums);
    case 2:
      return FoldTile<2>(job, inputs, seen, first, end, fetch_sums);
    default:
      return FoldTile<1>(job, inputs, seen, first, end, fetch_sums);
  }
}

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum) {
  const Job job{block_elements, scale_bits_max, reinterpret_cast<uint64_t*>(sum.data())};
  std::array<FoldInput, kFoldUpdatesMax> own;
  std::array<Seen, kFoldUpdatesMax> seen;
  std::copy(inputs.begin(), inputs.end(), own.begin());
  for (FoldInput& input : absl::MakeSpan(own).first(inputs.size())) {
    if (input.ahead == nullptr) input.ahead = input.elements.data() + kAheadBytes;
  }
  for (uint64_t first = 0; first < sum.size(); first += kTileSums) {
    const uint64_t end = std::min<uint64_t>(first + kTileSums, sum.size());
    for (size_t k = 0; k < inputs.size();) {
      const size_t now = UpdatesAtOnce(into, inputs.size() - k);
      FoldTileOf(into, now, job, &own[k], &seen[k], first, end, k == 0);
      k += now;
    }
  }
  uint64_t bad = 0;
  const FourVectors four;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const auto under =
        hn::Lt(hn::Load(four, seen[k].low), hn::Set(four, static_cast<int8_t>(-kInt8Max)));
    if (seen[k].bad || !hn::AllFalse(four, under)) bad |= uint64_t{1} << k;
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
