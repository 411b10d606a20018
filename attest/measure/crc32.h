// CRC-32 (IEEE 802.3): a checksum of formats, not a defence.
#ifndef SEALFOLD_ATTEST_MEASURE_CRC32_H_
#define SEALFOLD_ATTEST_MEASURE_CRC32_H_

#include <cstdint>
#include <initializer_list>

#include "protocol/base/bytes.h"

namespace sealfold {

// Of the concatenation of `parts`.
uint32_t Crc32(std::initializer_list<ByteSpan> parts);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_CRC32_H_
