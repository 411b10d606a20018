// Evidence of the platform "tpm2": a quote with everything that it takes to judge it
// (docs/PROTOCOL.md, section 3). Deterministic CBOR.
#ifndef SEALFOLD_ATTEST_TPM_TPM_EVIDENCE_H_
#define SEALFOLD_ATTEST_TPM_TPM_EVIDENCE_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/tpm/structure/tpm_public.h"
#include "attest/tpm/structure/tpm_quote.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kTpmEvidenceSizeMax = 1u << 19;  // the event log is most of it
inline constexpr size_t kTpmNonceSizeMax = 1024;
inline constexpr size_t kTpmUserDataSizeMax = 1024;
inline constexpr size_t kTpmPublicKeySizeMax = 4096;
inline constexpr size_t kTpmCertificateSizeMax = 4096;
inline constexpr size_t kTpmCertificatesMax = 8;

// What the quote's extraData commits to.
struct TpmBinding {
  static constexpr char kType[] = "sealfold-tpm2-binding-1";
  uint64_t timestamp_ms = 0;  // since 1970, UTC, by the machine's clock
  std::optional<Bytes> nonce = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> public_key = {};

  template <class V>
  void Fields(V& v) {
    v("timestamp", timestamp_ms);
    v("nonce", nonce);
    v("user_data", user_data);
    v("public_key", public_key);
  }
  // The extraData of a quote over `bank`: that bank's hash of the encoded binding.
  Bytes QualifyingData(uint16_t bank) const;
};

struct TpmEvidence {
  static constexpr char kType[] = "sealfold-tpm2-evidence-1";
  Bytes attest = {};                     // TPMS_ATTEST
  Bytes signature = {};                  // TPMT_SIGNATURE over it
  Bytes attestation_key = {};            // TPMT_PUBLIC
  std::vector<Bytes> registers = {};     // the values of those that the quote selects, in order
  std::vector<Bytes> certificates = {};  // DER, root first, the key's last; none where it is pinned
  std::optional<Bytes> event_log = {};   // as the firmware wrote it
  uint64_t timestamp_ms = 0;
  std::optional<Bytes> nonce = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> public_key = {};

  template <class V>
  void Fields(V& v) {
    v("attest", attest);
    v("signature", signature);
    v("attestation_key", attestation_key);
    v("registers", registers);
    v("certificates", certificates);
    v("event_log", event_log);
    v("timestamp", timestamp_ms);
    v("nonce", nonce);
    v("user_data", user_data);
    v("public_key", public_key);
  }
  TpmBinding Binding() const {
    return {.timestamp_ms = timestamp_ms,
            .nonce = nonce,
            .user_data = user_data,
            .public_key = public_key};
  }
};

// All of it parsed: sizes within the bounds above, as many values as the quote selects, each of its
// bank's size.
struct ParsedTpmEvidence {
  TpmEvidence evidence = {};
  TpmQuote quote = {};
  TpmSignature signature = {};
  TpmPublic key = {};
};

Bytes EncodeTpmEvidence(const TpmEvidence& evidence);
// InvalidArgument, codes "tpm_*", "cbor_*", "field_*" or "evidence_*".
absl::StatusOr<ParsedTpmEvidence> ParseTpmEvidence(ByteSpan bytes);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_TPM_EVIDENCE_H_
