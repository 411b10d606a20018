#include "attest/tpm/tpm_evidence.h"

#include <string>

#include "absl/numeric/bits.h"
#include "absl/strings/str_cat.h"
#include "attest/tpm/log/event_log.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr uint64_t kTimestampEnd_ms = 253'402'300'800'000;  // the year 10000
constexpr cbor::Limits kLimits = {
    .size_bytes_max = kTpmEvidenceSizeMax, .items_max = 128, .depth_max = 3};

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "evidence_malformed",
                   .what = absl::StrCat("TPM evidence's ", what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

absl::Status CheckSize(absl::string_view what, const std::optional<Bytes>& bytes, size_t size_max) {
  if (!bytes.has_value() || bytes->size() <= size_max) return absl::OkStatus();
  return Malformed(what, absl::StrCat("at most ", size_max, " bytes"),
                   absl::StrCat(bytes->size(), " bytes"));
}

absl::Status CheckSizes(const TpmEvidence& evidence) {
  SEALFOLD_RETURN_IF_ERROR(CheckSize("nonce", evidence.nonce, kTpmNonceSizeMax));
  SEALFOLD_RETURN_IF_ERROR(CheckSize("user_data", evidence.user_data, kTpmUserDataSizeMax));
  SEALFOLD_RETURN_IF_ERROR(CheckSize("public_key", evidence.public_key, kTpmPublicKeySizeMax));
  SEALFOLD_RETURN_IF_ERROR(CheckSize("event_log", evidence.event_log, kEventLogSizeMax));
  if (evidence.certificates.size() > kTpmCertificatesMax) {
    return Malformed("certificates", absl::StrCat("at most ", kTpmCertificatesMax),
                     absl::StrCat(evidence.certificates.size()));
  }
  for (const Bytes& der : evidence.certificates) {
    SEALFOLD_RETURN_IF_ERROR(CheckSize("certificates", der, kTpmCertificateSizeMax));
  }
  if (evidence.timestamp_ms == 0 || evidence.timestamp_ms >= kTimestampEnd_ms) {
    return Malformed("timestamp", "milliseconds since 1970, before the year 10000",
                     absl::StrCat(evidence.timestamp_ms));
  }
  return absl::OkStatus();
}

absl::Status CheckRegisters(const TpmEvidence& evidence, const TpmQuote& quote) {
  const auto selected = static_cast<size_t>(absl::popcount(quote.registers));
  if (evidence.registers.size() != selected) {
    return Malformed("registers", absl::StrCat(selected, " values, as the quote selects"),
                     absl::StrCat(evidence.registers.size()));
  }
  for (const Bytes& value : evidence.registers) {
    if (value.size() == TpmHashSize(quote.bank)) continue;
    return Malformed("registers", absl::StrCat("values of ", TpmHashSize(quote.bank), " bytes"),
                     absl::StrCat(value.size(), " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

Bytes TpmBinding::QualifyingData(uint16_t bank) const {
  return TpmHash(bank, {cbor::EncodeFields(*this)});
}

Bytes EncodeTpmEvidence(const TpmEvidence& evidence) { return cbor::EncodeFields(evidence); }

absl::StatusOr<ParsedTpmEvidence> ParseTpmEvidence(ByteSpan bytes) {
  ParsedTpmEvidence out;
  SEALFOLD_ASSIGN_OR_RETURN(out.evidence, cbor::DecodeFields<TpmEvidence>(bytes, kLimits));
  SEALFOLD_RETURN_IF_ERROR(CheckSizes(out.evidence));
  SEALFOLD_ASSIGN_OR_RETURN(out.quote, ParseTpmQuote(out.evidence.attest));
  SEALFOLD_ASSIGN_OR_RETURN(out.signature, ParseTpmSignature(out.evidence.signature));
  SEALFOLD_ASSIGN_OR_RETURN(out.key, ParseTpmPublic(out.evidence.attestation_key));
  SEALFOLD_RETURN_IF_ERROR(CheckRegisters(out.evidence, out.quote));
  return out;
}

}  // namespace sealfold
