// One block of a compressed update from its elements (docs/PROTOCOL.md, "Compressed updates").
#ifndef SEALFOLD_PARTICIPANT_CLIENT_UPDATE_BLOCK_ENCODE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_UPDATE_BLOCK_ENCODE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "protocol/base/bytes.h"
#include "protocol/model/dtype.h"

namespace sealfold {

inline constexpr size_t kInt8RandomBytes = 4;  // for each element

// Fills `block` (kInt8ScaleBytes and a byte for each element) with the least scale s that reaches
// the greatest of `elements`, at most `scale_bits_max`, and each element x divided by s and rounded
// to one of the two integers beside it: up with the probability of the fraction, by the element's
// kInt8RandomBytes of `random`. So |q * s - x| < s, and the expected q * s is x to within s * 2^-31
// (where |x| is beyond 127 s, which only the bound on the scale can cause, q is 127 or -127). With
// `random` all zero bytes it is rounded down. Requires: elements finite and within the range that
// `scale_bits_max` came from.
void EncodeInt8Block(Dtype dtype, ByteSpan elements, uint32_t scale_bits_max, ByteSpan random,
                     MutableByteSpan block);

// Fills `block` (2 bytes and an element for each of `carried`) with the elements of greatest size,
// the earlier one where two are equal, in order of their places. `places` is room for a number for
// each element. Requires: 1 <= carried <= the number of elements, which is at most 65536.
void EncodeTopKBlock(Dtype dtype, ByteSpan elements, uint64_t carried, absl::Span<uint64_t> places,
                     MutableByteSpan block);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_UPDATE_BLOCK_ENCODE_H_
