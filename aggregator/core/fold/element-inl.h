// Elements of each dtype as vectors of doubles: included once per vector target.
#if defined(SEALFOLD_AGGREGATOR_CORE_FOLD_ELEMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SEALFOLD_AGGREGATOR_CORE_FOLD_ELEMENT_INL_H_
#undef SEALFOLD_AGGREGATOR_CORE_FOLD_ELEMENT_INL_H_
#else
#define SEALFOLD_AGGREGATOR_CORE_FOLD_ELEMENT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "protocol/model/tensor.h"

// A target without vectors uses fold_reference.h.
#if HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace sealfold::HWY_NAMESPACE {
namespace {

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
    const hn::Rebind<float, Doubles> floats;
#if HWY_TARGET <= HWY_AVX3
    // Each pattern goes to the upper half of its float in one instruction: one block of 16 bytes
    // has those of both blocks of floats.
    const hn::Repartition<uint8_t, decltype(floats)> bytes;
    HWY_ALIGN constexpr uint8_t kPlaces[] = {128, 128, 0,   1,   128, 128, 2,   3,   128, 128, 4,
                                             5,   128, 128, 6,   7,   128, 128, 8,   9,   128, 128,
                                             10,  11,  128, 128, 12,  13,  128, 128, 14,  15};
    const auto patterns =
        hn::TableLookupBytesOr0(hn::LoadDup128(bytes, from), hn::Load(bytes, kPlaces));
    return hn::PromoteTo(Doubles(), hn::BitCast(floats, patterns));
#else
    const hn::Rebind<uint16_t, Doubles> words;
    const hn::Repartition<uint8_t, decltype(words)> bytes;
    const hn::Rebind<uint32_t, Doubles> patterns;
    const auto bits = hn::PromoteTo(patterns, hn::BitCast(words, hn::LoadU(bytes, from)));
    return hn::PromoteTo(Doubles(), hn::BitCast(floats, hn::ShiftLeft<16>(bits)));
#endif
  }

  static HWY_INLINE void Store(Vector value, uint8_t* to) { StoreHalf<8>(value, to); }
};

}  // namespace
}  // namespace sealfold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // has vectors
#endif  // include guard
