// The attestation document of an AWS Nitro Enclave: its form, not whether it is genuine.
//
// COSE_Sign1 (RFC 9052, 4.2), untagged: protected {1: -35} (ES384), unprotected {}, payload, 96
// bytes r || s. The payload is a map of the names below. Since 2025 AWS writes it with an
// indefinite length, and the order of its keys differs: it is read by name, refusing doubled,
// unknown and missing ones.
#ifndef SEALFOLD_ATTEST_NITRO_DOCUMENT_H_
#define SEALFOLD_ATTEST_NITRO_DOCUMENT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// Limits as AWS documents them; a document travels in one response of the NSM.
inline constexpr size_t kNitroDocumentSizeMax = 0x3000;
inline constexpr size_t kNitroCertificateSizeMax = 1024;
inline constexpr size_t kNitroCertificatesMax = 16;  // of `cabundle`; AWS uses 4
inline constexpr size_t kNitroPublicKeySizeMax = 1024;
inline constexpr size_t kNitroUserDataSizeMax = 512;
inline constexpr size_t kNitroNonceSizeMax = 512;
inline constexpr uint32_t kNitroRegistersMax = 32;
// {1: -35}: the protected header of every document.
inline constexpr uint8_t kNitroProtectedHeader[] = {0xa1, 0x01, 0x38, 0x22};

struct NitroDocument {
  // As they came; the protected header is always kNitroProtectedHeader.
  Bytes payload = {};
  Bytes signature = {};  // 96 bytes

  std::string module_id = {};  // not empty
  uint64_t timestamp_ms = 0;   // since 1970, UTC; above 0, before the year 10000
  std::map<uint32_t, Bytes> registers =
      {};                            // 1 to 32, index below 32, values of 32, 48 or 64 bytes
  Bytes certificate = {};            // the leaf, DER, not parsed; 1 to 1024 bytes
  std::vector<Bytes> cabundle = {};  // root first; at least one; the leaf follows the last
  // Unset where the document has null or leaves them out.
  std::optional<Bytes> public_key = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> nonce = {};
};

// InvalidArgument, code "document_*" or "cbor_*", for anything that is not such a document.
absl::StatusOr<NitroDocument> ParseNitroDocument(ByteSpan bytes);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_DOCUMENT_H_
