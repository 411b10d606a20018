#include "aggregator/core/fold/fold.h"

#include <hwy/cache_control.h>

#include <algorithm>

#include "aggregator/core/fold/fold_reference.h"
#include "aggregator/core/fold/kernel.h"
#include "aggregator/core/fold/rounding.h"
#include "protocol/base/error.h"
#include "protocol/base/secret.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "aggregator/core/fold/fold.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "aggregator/core/fold/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sealfold::HWY_NAMESPACE {
namespace {

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

// No vectors here, and Highway's emulation clamps where IEEE 754 overflows: the reference itself
// runs.
bool AllInRange(Dtype dtype, ByteSpan elements, uint32_t range_bits) {
  return fold_reference::AllInRange(dtype, elements, range_bits);
}

uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, uint32_t range_bits,
              absl::Span<int64_t> sum) {
  return fold_reference::Fold(into, dtype, inputs, range_bits, sum);
}

#else

// As many elements as fill a vector with their patterns, and so 2 or 4 vectors of doubles.
template <class Element>
using Patterns = hn::ScalableTag<typename Element::Pattern>;
template <class Element>
using PatternVector = hn::Vec<Patterns<Element>>;

// The patterns from `from` on, without their signs.
template <class Element>
HWY_INLINE PatternVector<Element> Magnitudes(const uint8_t* from) {
  const Patterns<Element> d;
  const hn::Repartition<uint8_t, Patterns<Element>> bytes;
  return hn::And(hn::BitCast(d, hn::LoadU(bytes, from)),
                 hn::Set(d, hwy::LimitsMax<hwy::MakeSigned<typename Element::Pattern>>()));
}

template <class Element>
bool AllInRangeOf(ByteSpan elements, uint32_t range_bits) {
  const Patterns<Element> d;
  const size_t step = hn::Lanes(d) * sizeof(typename Element::Pattern);
  auto greatest0 = hn::Zero(d);
  auto greatest1 = greatest0;
  auto greatest2 = greatest0;
  auto greatest3 = greatest0;
  const uint8_t* const from = elements.data();
  size_t at = 0;
  for (; at + 4 * step <= elements.size(); at += 4 * step) {
    greatest0 = hn::Max(greatest0, Magnitudes<Element>(from + at));
    greatest1 = hn::Max(greatest1, Magnitudes<Element>(from + at + step));
    greatest2 = hn::Max(greatest2, Magnitudes<Element>(from + at + 2 * step));
    greatest3 = hn::Max(greatest3, Magnitudes<Element>(from + at + 3 * step));
  }
  for (; at + step <= elements.size(); at += step) {
    greatest0 = hn::Max(greatest0, Magnitudes<Element>(from + at));
  }
  const auto greatest = hn::Max(hn::Max(greatest0, greatest1), hn::Max(greatest2, greatest3));
  return hn::GetLane(hn::MaxOfLanes(d, greatest)) <= range_bits &&
         fold_reference::AllInRange(Element::kDtype, elements.subspan(at), range_bits);
}

// Sums of one vector of patterns' elements; F32 uses the first two.
struct Sums {
  BitVector& sum0;
  BitVector& sum1;
  BitVector& sum2;
  BitVector& sum3;
};

// Adds to `sum`, or takes away, the bits of x * scale + 1.5 * 2^52, whose low bits are the rounded
// product.
template <class Element, bool kSubtract>
HWY_INLINE void AddTerms(const uint8_t* from, Vector scale, BitVector& sum) {
  const Vector magic = hn::Set(Doubles(), kRoundingMagic);
  const BitVector terms = hn::BitCast(Bits(), hn::MulAdd(Element::Load(from), scale, magic));
  sum = kSubtract ? hn::Sub(sum, terms) : hn::Add(sum, terms);
}

template <class Element, bool kSubtract = false>
HWY_INLINE void AddInput(const FoldInput& input, size_t offset_bytes, const Sums& sums,
                         PatternVector<Element>& greatest) {
  const uint8_t* const from = input.elements.data() + offset_bytes;
  const Vector scale = hn::Set(Doubles(), input.scale);
  const size_t vector_bytes = hn::Lanes(Doubles()) * sizeof(typename Element::Pattern);
  __builtin_prefetch(input.ahead + offset_bytes, 0, 2);
  greatest = hn::Max(greatest, Magnitudes<Element>(from));
  AddTerms<Element, kSubtract>(from, scale, sums.sum0);
  AddTerms<Element, kSubtract>(from + vector_bytes, scale, sums.sum1);
  if constexpr (sizeof(typename Element::Pattern) == 2) {
    AddTerms<Element, kSubtract>(from + 2 * vector_bytes, scale, sums.sum2);
    AddTerms<Element, kSubtract>(from + 3 * vector_bytes, scale, sums.sum3);
  }
}

// Where the sums of a pass come from and go to.
struct Pass {
  const uint64_t* from;  // null: zeros
  uint64_t* to;
  bool past_caches;  // writes to `to`, which is aligned to a vector
  bool from_memory;  // `from` is; else it is in the nearest cache
};

// How far before its use an update is fetched, where the caller has nothing else to be fetched.
constexpr size_t kAheadBytes = 512;

HWY_INLINE BitVector LoadSum(const Pass& pass, size_t at, BitVector bias) {
  const Bits u;
  return pass.from == nullptr ? bias : hn::Add(hn::LoadU(u, pass.from + at), bias);
}

HWY_INLINE void StoreSum(const Pass& pass, size_t at, BitVector sum) {
  const Bits u;
  if (pass.past_caches) {
    hn::Stream(sum, u, pass.to + at);
  } else {
    hn::StoreU(sum, u, pass.to + at);
  }
}

// Folds kUpdates updates into `count` sums, a multiple of a pattern vector's lanes; their elements
// start at `offset_bytes`. `greatest` has a vector for each: the greatest magnitudes so far.
template <class Element, size_t kUpdates, bool kSubtract = false>
HWY_INLINE void FoldSome(const FoldInput* inputs, size_t offset_bytes, const Pass pass,
                         size_t count, typename Element::Pattern* greatest) {
  static_assert(kUpdates == 1 || !kSubtract);
  using Pattern = typename Element::Pattern;
  constexpr bool kHalf = sizeof(Pattern) == 2;
  const Patterns<Element> d;
  const Bits u;
  const size_t step = hn::Lanes(d);
  const size_t lanes = hn::Lanes(u);
  // Taken away once for all updates.
  const BitVector bias =
      hn::Set(u, kSubtract ? RoundingMagicBits(1) : -RoundingMagicBits(kUpdates));
  const auto load = [&](size_t k) {
    return hn::LoadU(d, greatest + (k < kUpdates ? k * step : 0));
  };
  auto greatest0 = load(0);
  auto greatest1 = load(1);
  auto greatest2 = load(2);
  auto greatest3 = load(3);
  auto greatest4 = load(4);
  auto greatest5 = load(5);
  auto greatest6 = load(6);
  auto greatest7 = load(7);
  for (size_t i = 0; i < count; i += step) {
    const size_t at = offset_bytes + i * sizeof(Pattern);
    if (pass.from_memory) FetchSumsAhead(pass.from + i, step);
    BitVector sum0 = LoadSum(pass, i, bias);
    BitVector sum1 = LoadSum(pass, i + lanes, bias);
    BitVector sum2 = kHalf ? LoadSum(pass, i + 2 * lanes, bias) : sum0;
    BitVector sum3 = kHalf ? LoadSum(pass, i + 3 * lanes, bias) : sum0;
    const Sums sums{sum0, sum1, sum2, sum3};
    AddInput<Element, kSubtract>(inputs[0], at, sums, greatest0);
    if constexpr (kUpdates > 1) AddInput<Element>(inputs[1], at, sums, greatest1);
    if constexpr (kUpdates > 2) {
      AddInput<Element>(inputs[2], at, sums, greatest2);
      AddInput<Element>(inputs[3], at, sums, greatest3);
    }
    if constexpr (kUpdates > 4) {
      AddInput<Element>(inputs[4], at, sums, greatest4);
      AddInput<Element>(inputs[5], at, sums, greatest5);
      AddInput<Element>(inputs[6], at, sums, greatest6);
      AddInput<Element>(inputs[7], at, sums, greatest7);
    }
    StoreSum(pass, i, sum0);
    StoreSum(pass, i + lanes, sum1);
    if constexpr (kHalf) {
      StoreSum(pass, i + 2 * lanes, sum2);
      StoreSum(pass, i + 3 * lanes, sum3);
    }
  }
  hn::StoreU(greatest0, d, greatest);
  if constexpr (kUpdates > 1) hn::StoreU(greatest1, d, greatest + step);
  if constexpr (kUpdates > 2) {
    hn::StoreU(greatest2, d, greatest + 2 * step);
    hn::StoreU(greatest3, d, greatest + 3 * step);
  }
  if constexpr (kUpdates > 4) {
    hn::StoreU(greatest4, d, greatest + 4 * step);
    hn::StoreU(greatest5, d, greatest + 5 * step);
    hn::StoreU(greatest6, d, greatest + 6 * step);
    hn::StoreU(greatest7, d, greatest + 7 * step);
  }
}

template <class Element>
void FoldPass(FoldInto into, size_t updates, const FoldInput* inputs, size_t offset_bytes,
              const Pass& pass, size_t count, typename Element::Pattern* greatest) {
  if (into == FoldInto::kSubtract) {
    return FoldSome<Element, 1, true>(inputs, offset_bytes, pass, count, greatest);
  }
  switch (updates) {
    case 8:
      return FoldSome<Element, 8>(inputs, offset_bytes, pass, count, greatest);
    case 4:
      return FoldSome<Element, 4>(inputs, offset_bytes, pass, count, greatest);
    case 2:
      return FoldSome<Element, 2>(inputs, offset_bytes, pass, count, greatest);
    default:
      return FoldSome<Element, 1>(inputs, offset_bytes, pass, count, greatest);
  }
}

// Tiles of sums stay in cache while the updates go over them, up to eight at a time: in the nearest
// one where a batch's chunks were just opened. More updates than those come from memory, where a
// longer stretch of each is fetched better (docs/PERFORMANCE.md); a tile is then a part of the next
// cache.
constexpr size_t kTileSums = 512;
constexpr size_t kTileSumsFromMemory = 4096;
constexpr size_t kFewUpdates = 8;

template <class Element>
uint64_t FoldOf(FoldInto into, absl::Span<const FoldInput> inputs, uint32_t range_bits,
                absl::Span<int64_t> sum) {
  using Pattern = typename Element::Pattern;
  constexpr size_t kSize = sizeof(Pattern);
  const Patterns<Element> d;
  static_assert(kTileSums % hn::MaxLanes(Patterns<Element>()) == 0);
  const size_t step = hn::Lanes(d);
  const size_t whole = sum.size() - sum.size() % step;
  auto* const sums = reinterpret_cast<uint64_t*>(sum.data());

  FoldInput own[kFoldUpdatesMax];
  std::copy(inputs.begin(), inputs.end(), own);
  for (FoldInput& input : absl::MakeSpan(own).first(inputs.size())) {
    if (input.ahead == nullptr) input.ahead = input.elements.data() + kAheadBytes;
  }
  HWY_ALIGN Pattern greatest[kFoldUpdatesMax * hn::MaxLanes(Patterns<Element>())] = {};
  HWY_ALIGN uint64_t tile[kTileSumsFromMemory];
  const bool sets = into == FoldInto::kSet || into == FoldInto::kSetPastCaches;
  const size_t vector_bytes = hn::Lanes(Bits()) * sizeof(uint64_t);
  const bool past_caches =
      into == FoldInto::kSetPastCaches && reinterpret_cast<uintptr_t>(sums) % vector_bytes == 0;
  // One pass needs no tiles.
  const bool one_pass = UpdatesAtOnce(into, inputs.size()) == inputs.size();
  const size_t tile_sums = one_pass                       ? whole
                           : inputs.size() <= kFewUpdates ? kTileSums
                                                          : kTileSumsFromMemory;
  for (size_t first = 0; first < whole; first += tile_sums) {
    const size_t count = std::min(tile_sums, whole - first);
    const uint64_t* from = sets ? nullptr : sums + first;
    for (size_t k = 0; k < inputs.size();) {
      const size_t now = UpdatesAtOnce(into, inputs.size() - k);
      const bool last = k + now == inputs.size();
      FoldPass<Element>(into, now, &own[k], first * kSize,
                        {.from = from,
                         .to = last ? sums + first : tile,
                         .past_caches = last && past_caches,
                         .from_memory = k == 0 && !sets},
                        count, greatest + k * step);
      k += now;
      from = tile;
    }
  }
  if (!one_pass) {
    Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(tile),
                         std::min(tile_sums, whole) * sizeof(uint64_t)));
  }
  // Other threads may read them next.
  if (past_caches) hwy::FlushStream();

  uint64_t bad = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const auto most = hn::MaxOfLanes(d, hn::LoadU(d, greatest + k * step));
    if (hn::GetLane(most) > range_bits) bad |= uint64_t{1} << k;
  }
  if (whole == sum.size()) return bad;
  for (size_t k = 0; k < inputs.size(); ++k) own[k].elements.remove_prefix(whole * kSize);
  return bad | fold_reference::Fold(into, Element::kDtype, {own, inputs.size()}, range_bits,
                                    sum.subspan(whole));
}

bool AllInRange(Dtype dtype, ByteSpan elements, uint32_t range_bits) {
  return dtype == Dtype::kF32 ? AllInRangeOf<F32>(elements, range_bits)
                              : AllInRangeOf<F16>(elements, range_bits);
}

uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, uint32_t range_bits,
              absl::Span<int64_t> sum) {
  switch (dtype) {
    case Dtype::kF32:
      return FoldOf<F32>(into, inputs, range_bits, sum);
    case Dtype::kF16:
      return FoldOf<F16>(into, inputs, range_bits, sum);
    case Dtype::kBf16:
      return FoldOf<Bf16>(into, inputs, range_bits, sum);
  }
  return 0;
}

#endif

}  // namespace
}  // namespace sealfold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sealfold {
namespace {

HWY_EXPORT(TargetName);
HWY_EXPORT(AllInRange);
HWY_EXPORT(Fold);

}  // namespace

const char* FoldTargetName() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

bool AllInRange(Dtype dtype, ByteSpan elements, double range) {
  SEALFOLD_CHECK(elements.size() % DtypeSizeBytes(dtype) == 0 && range >= 0);
  return HWY_DYNAMIC_DISPATCH(AllInRange)(dtype, elements, fold_reference::RangeBits(dtype, range));
}

uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, double range,
              absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(!inputs.empty() && inputs.size() <= kFoldUpdatesMax && range >= 0);
  for (const FoldInput& input : inputs) {
    SEALFOLD_CHECK(input.elements.size() == sum.size() * DtypeSizeBytes(dtype));
  }
  return HWY_DYNAMIC_DISPATCH(Fold)(into, dtype, inputs, fold_reference::RangeBits(dtype, range),
                                    sum);
}

}  // namespace sealfold
#endif  // HWY_ONCE
