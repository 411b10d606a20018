// The attestation document that AWS's Nitro hypervisor signs, for an enclave (its NSM) or for an
// instance (its NitroTPM, see attest/nitrotpm/): its form, not whether it is genuine.
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
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kNitroCertificateSizeMax = 1024;
inline constexpr size_t kNitroCertificatesMax = 16;  // of `cabundle`; AWS uses 4
// {1: -35}: the protected header of every document.
inline constexpr uint8_t kNitroProtectedHeader[] = {0xa1, 0x01, 0x38, 0x22};

// What differs between the kinds of document: the field that holds the registers, and limits.
struct NitroDocumentKind {
  absl::string_view registers_field;
  size_t document_size_max;
  size_t registers_min, registers_max;      // entries; indexes are below registers_max
  absl::Span<const size_t> register_sizes;  // of a value in bytes, any of these
  size_t public_key_size_max, user_data_size_max, nonce_size_max;
};

// An enclave's, as AWS documents it; it travels in one response of the NSM.
inline constexpr uint32_t kNsmRegisters = 32;
inline constexpr size_t kNsmRegisterSizes[] = {32, 48, 64};
inline constexpr NitroDocumentKind kNsmDocument = {.registers_field = "pcrs",
                                                   .document_size_max = 0x3000,
                                                   .registers_min = 1,
                                                   .registers_max = kNsmRegisters,
                                                   .register_sizes = kNsmRegisterSizes,
                                                   .public_key_size_max = 1024,
                                                   .user_data_size_max = 512,
                                                   .nonce_size_max = 512};

struct NitroDocument {
  // As they came; the protected header is always kNitroProtectedHeader.
  Bytes payload = {};
  Bytes signature = {};  // 96 bytes

  std::string module_id = {};                // not empty
  uint64_t timestamp_ms = 0;                 // since 1970, UTC; above 0, before the year 10000
  std::map<uint32_t, Bytes> registers = {};  // number, indexes and sizes as the kind has them
  Bytes certificate = {};                    // the leaf, DER, not parsed; 1 to 1024 bytes
  std::vector<Bytes> cabundle = {};          // root first; at least one; the leaf follows the last
  // Unset where the document has null or leaves them out.
  std::optional<Bytes> public_key = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> nonce = {};
};

// InvalidArgument, code "document_*" or "cbor_*", for anything that is not a document of that kind.
absl::StatusOr<NitroDocument> ParseNitroDocument(ByteSpan bytes,
                                                 const NitroDocumentKind& kind = kNsmDocument);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_DOCUMENT_H_
