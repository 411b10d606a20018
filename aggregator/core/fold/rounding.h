// A term on its way to the grid.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_

#include <bit>
#include <cstdint>

namespace sealfold {

// `product`, at most 2^51 in size, rounded to an integer: adding 1.5 * 2^52 leaves no place for a
// fraction, so the addition itself rounds, to nearest and ties to even. In two's complement, so
// that sums of these wrap instead of overflowing on the way.
inline uint64_t RoundedTerm(double product) {
  constexpr double kMagic = 0x1.8p52;
  return std::bit_cast<uint64_t>(product + kMagic) - std::bit_cast<uint64_t>(kMagic);
}

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_ROUNDING_H_
