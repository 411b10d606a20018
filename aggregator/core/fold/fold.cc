#include "aggregator/core/fold/fold.h"

#include <algorithm>

#include "aggregator/core/fold/fold_reference.h"
#include "protocol/base/error.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "aggregator/core/fold/fold.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

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

void FoldAddMany(Dtype dtype, absl::Span<const ByteSpan> elements, absl::Span<const double> scales,
                 absl::Span<int64_t> sum) {
  fold_reference::FoldAddMany(dtype, elements, scales, sum);
}

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  fold_reference::FinishMean(dtype, sum, step, weight_sum, learning_rate, base, out);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using Vector = hn::Vec<Doubles>;
using Bits = hn::RebindToUnsigned<Doubles>;
using BitVector = hn::Vec<Bits>;

// One dtype: how as many elements as a vector has doubles are loaded and stored. By bytes, as
// elements need not be aligned.
struct F32 {
  using Pattern = uint32_t;
  static constexpr Dtype kDtype = Dtype::kF32;

  static HWY_INLINE Vector Load(const uint8_t* from) {
    const hn::Rebind<float, Doubles> floats;
    const hn::Repartition<uint8_t, decltype(floats)> bytes;
    return hn::PromoteTo(Doubles(), hn::BitCast(floats, hn::LoadU(bytes, from)));
  }

  static HWY_INLINE void Store(Vector value, uint8_t* to) {
    const hn::Rebind<float, Doubles> floats;
    const hn::Repartition<uint8_t, decltype(floats)> bytes;
    hn::StoreU(hn::BitCast(bytes, hn::DemoteTo(floats, value)), bytes, to);
  }
};

// The 16-bit formats' way back, rounded once.
template <int kExponentBits>
HWY_INLINE void StoreHalf(Vector value, uint8_t* to) {
  constexpr int kFractionBits = 15 - kExponentBits;
  constexpr int kBias = (1 << (kExponentBits - 1)) - 1;
  constexpr int kShift = 52 - kFractionBits;
  const Doubles d;
  const Bits u;
  // 2^n as a double.
  constexpr auto kPower = [](int n) { return static_cast<uint64_t>(1023 + n) << 52; };
  const Vector least_normal = hn::BitCast(d, hn::Set(u, kPower(1 - kBias)));
  const Vector beyond = hn::BitCast(d, hn::Set(u, kPower(kBias + 1)));

  // The power of two at or below the value says what its last place is worth; adding 1.5 * 2^52 of
  // those and taking them away again rounds to it.
  const Vector magnitude = hn::Abs(value);
  const Vector power = hn::Max(
      hn::BitCast(d, hn::And(hn::BitCast(u, magnitude), hn::Set(u, 0x7FFull << 52))), least_normal);
  const Vector magic = hn::Mul(power, hn::BitCast(d, hn::Set(u, kPower(kShift) | 1ull << 51)));
  const Vector rounded = hn::Sub(hn::Add(magnitude, magic), magic);

  // What is left fits the format: normal numbers by moving the exponent, subnormal ones by
  // adding 1.0 of their scale, whose fraction then is theirs.
  const BitVector normal =
      hn::Sub(hn::ShiftRight<kShift>(hn::BitCast(u, rounded)),
              hn::Set(u, static_cast<uint64_t>(1023 - kBias) << kFractionBits));
  const Vector one = hn::BitCast(d, hn::Set(u, kPower(53 - kBias - kFractionBits)));
  const BitVector subnormal = hn::Sub(hn::BitCast(u, hn::Add(rounded, one)), hn::BitCast(u, one));
  BitVector bits =
      hn::IfThenElse(hn::RebindMask(u, hn::Lt(rounded, least_normal)), subnormal, normal);
  const BitVector infinity = hn::Set(u, 0x7FFFull >> kFractionBits << kFractionBits);
  const BitVector quiet_nan =
      hn::Set(u, (0x7FFFull >> kFractionBits << kFractionBits) | 1ull << (kFractionBits - 1));
  // Not less: so is what overflowed to infinity or NaN on the way here.
  bits = hn::IfThenElse(hn::RebindMask(u, hn::Lt(rounded, beyond)), bits, infinity);
  bits = hn::IfThenElse(hn::RebindMask(u, hn::IsNaN(value)), quiet_nan, bits);
  const BitVector sign = hn::And(hn::ShiftRight<48>(hn::BitCast(u, value)), hn::Set(u, 0x8000));

  const hn::Rebind<uint16_t, Doubles> words;
  const hn::Repartition<uint8_t, decltype(words)> bytes;
  hn::StoreU(hn::BitCast(bytes, hn::TruncateTo(words, hn::Or(bits, sign))), bytes, to);
}

struct F16 {
  using Pattern = uint16_t;
  static constexpr Dtype kDtype = Dtype::kF16;

  static HWY_INLINE Vector Load(const uint8_t* from) {
    const hn::Rebind<hwy::float16_t, Doubles> halves;
    const hn::Repartition<uint8_t, decltype(halves)> bytes;
    const hn::Rebind<float, Doubles> floats;
    return hn::PromoteTo(Doubles(),
                         hn::PromoteTo(floats, hn::BitCast(halves, hn::LoadU(bytes, from))));
  }

  static HWY_INLINE void Store(Vector value, uint8_t* to) { StoreHalf<5>(value, to); }
};

struct Bf16 {
  using Pattern = uint16_t;
  static constexpr Dtype kDtype = Dtype::kBf16;

  static HWY_INLINE Vector Load(const uint8_t* from) {
    const hn::Rebind<uint16_t, Doubles> words;
    const hn::Repartition<uint8_t, decltype(words)> bytes;
    const hn::Rebind<uint32_t, Doubles> patterns;
    const hn::Rebind<float, Doubles> floats;
    const auto bits = hn::PromoteTo(patterns, hn::BitCast(words, hn::LoadU(bytes, from)));
    return hn::PromoteTo(Doubles(), hn::BitCast(floats, hn::ShiftLeft<16>(bits)));
  }

  static HWY_INLINE void Store(Vector value, uint8_t* to) { StoreHalf<8>(value, to); }
};

// The bits of a vector of elements from `from` on, without their signs.
template <class Unsigned>
HWY_INLINE hn::Vec<Unsigned> Magnitudes(Unsigned d, const uint8_t* from) {
  const hn::Repartition<uint8_t, Unsigned> bytes;
  return hn::And(hn::BitCast(d, hn::LoadU(bytes, from)),
                 hn::Set(d, hwy::LimitsMax<hwy::MakeSigned<hn::TFromD<Unsigned>>>()));
}

template <class Element>
bool AllInRangeOf(ByteSpan elements, uint32_t range_bits) {
  const hn::ScalableTag<typename Element::Pattern> d;
  const size_t step = hn::Lanes(d) * sizeof(typename Element::Pattern);
  auto greatest0 = hn::Zero(d);
  auto greatest1 = greatest0;
  auto greatest2 = greatest0;
  auto greatest3 = greatest0;
  const uint8_t* const from = elements.data();
  size_t at = 0;
  for (; at + 4 * step <= elements.size(); at += 4 * step) {
    greatest0 = hn::Max(greatest0, Magnitudes(d, from + at));
    greatest1 = hn::Max(greatest1, Magnitudes(d, from + at + step));
    greatest2 = hn::Max(greatest2, Magnitudes(d, from + at + 2 * step));
    greatest3 = hn::Max(greatest3, Magnitudes(d, from + at + 3 * step));
  }
  for (; at + step <= elements.size(); at += step) {
    greatest0 = hn::Max(greatest0, Magnitudes(d, from + at));
  }
  const auto greatest = hn::Max(hn::Max(greatest0, greatest1), hn::Max(greatest2, greatest3));
  return hn::GetLane(hn::MaxOfLanes(d, greatest)) <= range_bits &&
         fold_reference::AllInRange(Element::kDtype, elements.subspan(at), range_bits);
}

// Adds kUpdates updates to `count` sums, a multiple of a vector's lanes; `offset_bytes` is where
// their elements start. Each product plus 1.5 * 2^52 has the rounded product in its low bits; the
// bits of that constant are taken away once for all updates.
template <class Element, size_t kUpdates>
HWY_INLINE void AddUpdates(const ByteSpan* elements, const double* scales, size_t offset_bytes,
                           uint64_t* sum, size_t count) {
  constexpr size_t kSize = sizeof(typename Element::Pattern);
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
      const uint8_t* const from = elements[k].data() + offset_bytes + i * kSize;
      const Vector scale = hn::Set(d, scales[k]);
      const Vector x0 = Element::Load(from);
      const Vector x1 = Element::Load(from + lanes * kSize);
      const Vector x2 = Element::Load(from + 2 * lanes * kSize);
      const Vector x3 = Element::Load(from + 3 * lanes * kSize);
      sum0 = hn::Add(sum0, hn::BitCast(u, hn::MulAdd(x0, scale, magic)));
      sum1 = hn::Add(sum1, hn::BitCast(u, hn::MulAdd(x1, scale, magic)));
      sum2 = hn::Add(sum2, hn::BitCast(u, hn::MulAdd(x2, scale, magic)));
      sum3 = hn::Add(sum3, hn::BitCast(u, hn::MulAdd(x3, scale, magic)));
    }
    hn::StoreU(sum0, u, sum + i);
    hn::StoreU(sum1, u, sum + i + lanes);
    hn::StoreU(sum2, u, sum + i + 2 * lanes);
    hn::StoreU(sum3, u, sum + i + 3 * lanes);
  }
  for (; i < count; i += lanes) {
    BitVector sum0 = hn::Sub(hn::LoadU(u, sum + i), bias);
    for (size_t k = 0; k < kUpdates; ++k) {
      const Vector x0 = Element::Load(elements[k].data() + offset_bytes + i * kSize);
      sum0 = hn::Add(sum0, hn::BitCast(u, hn::MulAdd(x0, hn::Set(d, scales[k]), magic)));
    }
    hn::StoreU(sum0, u, sum + i);
  }
}

// A tile of sums stays in the nearest cache while all updates go over it, one or two at a time:
// more streams at once are more than the processor fetches ahead, fewer leave it waiting for the
// sums.
template <class Element>
void FoldAddManyOf(absl::Span<const ByteSpan> elements, absl::Span<const double> scales,
                   absl::Span<int64_t> sum) {
  constexpr size_t kSize = sizeof(typename Element::Pattern);
  constexpr size_t kTileSums = 256;
  constexpr size_t kAloneMax = 4;  // updates that go one by one
  static_assert(kTileSums % hn::MaxLanes(Doubles()) == 0);
  const size_t whole = sum.size() - sum.size() % hn::Lanes(Doubles());
  auto* const sums = reinterpret_cast<uint64_t*>(sum.data());
  for (size_t first = 0; first < whole; first += kTileSums) {
    const size_t count = std::min(kTileSums, whole - first);
    size_t k = 0;
    for (; elements.size() > kAloneMax && k + 2 <= elements.size(); k += 2) {
      AddUpdates<Element, 2>(&elements[k], &scales[k], first * kSize, sums + first, count);
    }
    for (; k < elements.size(); ++k) {
      AddUpdates<Element, 1>(&elements[k], &scales[k], first * kSize, sums + first, count);
    }
  }
  for (size_t k = 0; k < elements.size(); ++k) {
    const ByteSpan rest = elements[k].subspan(whole * kSize);
    fold_reference::FoldAddMany(Element::kDtype, {&rest, 1}, {&scales[k], 1}, sum.subspan(whole));
  }
}

template <class Element>
void FinishMeanOf(absl::Span<const int64_t> sum, double step, double weight_sum,
                  double learning_rate, ByteSpan base, MutableByteSpan out) {
  constexpr size_t kSize = sizeof(typename Element::Pattern);
  const Doubles d;
  const hn::RebindToSigned<Doubles> integers;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= sum.size(); i += lanes) {
    // Four operations, each rounded: no fused one (compiled with -ffp-contract=off).
    const Vector total = hn::ConvertTo(d, hn::LoadU(integers, sum.data() + i));
    const Vector mean = hn::Div(hn::Mul(total, hn::Set(d, step)), hn::Set(d, weight_sum));
    const Vector moved =
        hn::Add(Element::Load(base.data() + i * kSize), hn::Mul(hn::Set(d, learning_rate), mean));
    Element::Store(moved, out.data() + i * kSize);
  }
  fold_reference::FinishMean(Element::kDtype, sum.subspan(i), step, weight_sum, learning_rate,
                             base.subspan(i * kSize), out.subspan(i * kSize));
}

bool AllInRange(Dtype dtype, ByteSpan elements, uint32_t range_bits) {
  return dtype == Dtype::kF32 ? AllInRangeOf<F32>(elements, range_bits)
                              : AllInRangeOf<F16>(elements, range_bits);
}

void FoldAddMany(Dtype dtype, absl::Span<const ByteSpan> elements, absl::Span<const double> scales,
                 absl::Span<int64_t> sum) {
  switch (dtype) {
    case Dtype::kF32:
      return FoldAddManyOf<F32>(elements, scales, sum);
    case Dtype::kF16:
      return FoldAddManyOf<F16>(elements, scales, sum);
    case Dtype::kBf16:
      return FoldAddManyOf<Bf16>(elements, scales, sum);
  }
}

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  switch (dtype) {
    case Dtype::kF32:
      return FinishMeanOf<F32>(sum, step, weight_sum, learning_rate, base, out);
    case Dtype::kF16:
      return FinishMeanOf<F16>(sum, step, weight_sum, learning_rate, base, out);
    case Dtype::kBf16:
      return FinishMeanOf<Bf16>(sum, step, weight_sum, learning_rate, base, out);
  }
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
HWY_EXPORT(FoldAddMany);
HWY_EXPORT(FinishMean);

}  // namespace

const char* FoldTargetName() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

bool AllInRange(Dtype dtype, ByteSpan elements, double range) {
  SEALFOLD_CHECK(elements.size() % DtypeSizeBytes(dtype) == 0 && range >= 0);
  return HWY_DYNAMIC_DISPATCH(AllInRange)(dtype, elements, fold_reference::RangeBits(dtype, range));
}

void FoldAdd(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum) {
  FoldAddMany(dtype, {&elements, 1}, {&scale, 1}, sum);
}

void FoldSubtract(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum) {
  // Rounding to nearest is symmetric about zero: these terms are the same with the other sign.
  FoldAdd(dtype, elements, -scale, sum);
}

void FoldAddMany(Dtype dtype, absl::Span<const ByteSpan> elements, absl::Span<const double> scales,
                 absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(!elements.empty() && elements.size() <= kFoldUpdatesMax);
  SEALFOLD_CHECK(elements.size() == scales.size());
  for (const ByteSpan update : elements) {
    SEALFOLD_CHECK(update.size() == sum.size() * DtypeSizeBytes(dtype));
  }
  HWY_DYNAMIC_DISPATCH(FoldAddMany)(dtype, elements, scales, sum);
}

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, uint64_t weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  SEALFOLD_CHECK(weight_sum != 0);
  SEALFOLD_CHECK(base.size() == sum.size() * DtypeSizeBytes(dtype) && out.size() == base.size());
  HWY_DYNAMIC_DISPATCH(FinishMean)
  (dtype, sum, step, static_cast<double>(weight_sum), learning_rate, base, out);
}

}  // namespace sealfold
#endif  // HWY_ONCE
