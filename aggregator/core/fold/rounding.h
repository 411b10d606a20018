// A term on its way to the grid.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_

#include <bit>
#include <cstdint>

namespace sealfold {

// 1.5 * 2^52: of a double so large the last place is worth one.
inline constexpr double kRoundingMagic = 0x1.8p52;
// Its bits, so many times over: what they add up to in as many terms.
constexpr uint64_t RoundingMagicBits(uint64_t terms) {
  return std::bit_cast<uint64_t>(kRoundingMagic) * terms;
}

// `product`, at most 2^51 in size, rounded to an integer: adding 1.5 * 2^52 leaves no place for a
// fraction, so the addition itself rounds, to nearest and ties to even. In two's complement, so
// that sums of these wrap instead of overflowing on the way.
inline uint64_t RoundedTerm(double product) {
  return std::bit_cast<uint64_t>(product + kRoundingMagic) - RoundingMagicBits(1);
}

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_
