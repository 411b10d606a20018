// Reading and writing TPM 2.0 structures (TCG TPM 2.0 Library, Part 2): big-endian, no padding.
#ifndef SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_BYTES_H_
#define SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_BYTES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// A cursor that cannot run over. The first violation is kept: from then on everything read is zero
// or empty, and Finish returns it. Views it hands out live as long as the bytes it reads.
class TpmReader {
 public:
  // `what` begins the messages, e.g. "TPMS_ATTEST".
  TpmReader(absl::string_view what, ByteSpan bytes) : what_(what), rest_(bytes) {}

  uint8_t U8() { return static_cast<uint8_t>(Integer(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Integer(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Integer(4)); }
  uint64_t U64() { return Integer(8); }
  ByteSpan Take(size_t size);
  // A TPM2B: 16 bits of length, then at most `size_max` bytes.
  ByteSpan Sized(absl::string_view field, size_t size_max);

  // Records a violation of the structure's own rules; code "tpm_field".
  void Fail(absl::string_view field, std::string expected, std::string found);
  // Records one where `holds` is false.
  void Require(bool holds, absl::string_view field, absl::string_view expected, uint64_t found);

  bool ok() const { return status_.ok(); }
  size_t left() const { return rest_.size(); }
  // OK if all was read and nothing is left. InvalidArgument, codes "tpm_truncated", "tpm_field",
  // "tpm_trailing".
  absl::Status Finish();

 private:
  uint64_t Integer(size_t size);
  void Keep(absl::string_view code, absl::string_view field, std::string expected,
            std::string found);

  absl::string_view what_;
  ByteSpan rest_;
  absl::Status status_;
};

class TpmWriter {
 public:
  TpmWriter& U8(uint8_t value) { return Integer(value, 1); }
  TpmWriter& U16(uint16_t value) { return Integer(value, 2); }
  TpmWriter& U32(uint32_t value) { return Integer(value, 4); }
  TpmWriter& U64(uint64_t value) { return Integer(value, 8); }
  TpmWriter& Raw(ByteSpan bytes) {
    Append(bytes_, bytes);
    return *this;
  }
  // Requires: fewer than 2^16 bytes.
  TpmWriter& Sized(ByteSpan bytes);
  const Bytes& bytes() const { return bytes_; }

 private:
  TpmWriter& Integer(uint64_t value, size_t size);

  Bytes bytes_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_BYTES_H_
