#include "attest/tpm/device/tpm_attester.h"

#include <algorithm>
#include <map>
#include <utility>

#include "attest/claims_check.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/tpm/tpm_verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Registers may be extended between reading and quoting them; then both are done again.
constexpr int kTriesMax = 5;

std::optional<Bytes> UnlessEmpty(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  return ToBytes(bytes);
}

TPML_PCR_SELECTION Selection(uint16_t bank, uint32_t registers) {
  TPML_PCR_SELECTION out = {};
  out.count = 1;
  out.pcrSelections[0].hash = bank;
  out.pcrSelections[0].sizeofSelect = 3;
  for (size_t i = 0; i < 3; ++i) {
    out.pcrSelections[0].pcrSelect[i] = static_cast<uint8_t>(registers >> (8 * i));
  }
  return out;
}

uint32_t Mask(const TPML_PCR_SELECTION& selection) {
  uint32_t mask = 0;
  for (size_t i = 0; selection.count == 1 && i < 3; ++i) {
    mask |= uint32_t{selection.pcrSelections[0].pcrSelect[i]} << (8 * i);
  }
  return mask;
}

class TpmAttester final : public Attester {
 public:
  TpmAttester(TpmAttesterOptions options, Esys esys, TpmKey key)
      : options_(std::move(options)), esys_(std::move(esys)), key_(std::move(key)) {}

  absl::string_view platform() const override { return kTpmPlatform; }

  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    TpmEvidence evidence{.attestation_key = key_.public_area.bytes,
                         .certificates = options_.certificates,
                         .event_log = options_.event_log,
                         .timestamp_ms = options_.now_ms(),
                         .nonce = UnlessEmpty(nonce),
                         .user_data = UnlessEmpty(user_data),
                         .public_key = UnlessEmpty(public_key)};
    for (int i = 0; i < kTriesMax; ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(evidence.registers, ReadRegisters());
      SEALFOLD_RETURN_IF_ERROR(Quote(evidence));
      Bytes bytes = EncodeTpmEvidence(evidence);
      SEALFOLD_ASSIGN_OR_RETURN(const ParsedTpmEvidence parsed, ParseTpmEvidence(bytes));
      if (parsed.quote.qualified_signer != key_.public_area.QualifiedName(kTpmEndorsement) &&
          parsed.quote.qualified_signer != key_.public_area.QualifiedName(kTpmOwner)) {
        return Refused({.code = "attestation_key",
                        .what = "TPM's attestation key",
                        .expected = "a primary key of the endorsement or owner hierarchy",
                        .found = "one below another key",
                        .advice = "make a primary key and keep that at the persistent handle"});
      }
      Bytes values;
      for (const Bytes& value : evidence.registers) Append(values, value);
      if (TpmHash(parsed.signature.hash, {values}) == parsed.quote.register_digest) return bytes;
    }
    return PeerError({.code = "tpm_device",
                      .what = "TPM's registers",
                      .expected = "values that stand still while they are quoted",
                      .found = "others each time",
                      .advice = "leave registers out that this machine extends all the time"});
  }

 private:
  // A TPM hands out at most eight values at a time.
  absl::StatusOr<std::vector<Bytes>> ReadRegisters() {
    std::map<uint32_t, Bytes> values;
    uint32_t missing = options_.registers;
    while (missing != 0) {
      const TPML_PCR_SELECTION wanted = Selection(options_.bank, missing);
      TPML_PCR_SELECTION* selected = nullptr;
      TPML_DIGEST* digests = nullptr;
      const TSS2_RC rc = Esys_PCR_Read(esys_.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       &wanted, nullptr, &selected, &digests);
      const EsysPtr<TPML_PCR_SELECTION> owned_selection(selected);
      const EsysPtr<TPML_DIGEST> owned_digests(digests);
      SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's registers"));
      const uint32_t read = Mask(*selected) & missing;
      uint32_t next = 0;
      for (uint32_t index = 0; index < kTpmRegisters && next < digests->count; ++index) {
        if (!InMask(read, index)) continue;
        const TPM2B_DIGEST& digest = digests->digests[next++];
        values[index].assign(digest.buffer, digest.buffer + digest.size);
      }
      if (read == 0 || next == 0) return NoBank();
      missing &= ~read;
    }
    std::vector<Bytes> out;
    out.reserve(values.size());
    for (auto& [index, value] : values) out.push_back(std::move(value));
    return out;
  }

  absl::Status NoBank() const {
    return PeerError({.code = "tpm_device",
                      .what = "TPM's registers",
                      .expected = "the registers asked for, in the bank asked for",
                      .found = std::string("none in ") + TpmHashName(options_.bank),
                      .advice = "name a bank that this TPM has"});
  }

  absl::Status Quote(TpmEvidence& evidence) {
    const Bytes binding = evidence.Binding().QualifyingData(options_.bank);
    TPM2B_DATA data = {};
    SEALFOLD_CHECK(binding.size() <= sizeof(data.buffer));
    data.size = static_cast<uint16_t>(binding.size());
    std::copy(binding.begin(), binding.end(), data.buffer);
    TPMT_SIG_SCHEME scheme = {};
    scheme.scheme = TPM2_ALG_NULL;  // the key's own
    const TPML_PCR_SELECTION selection = Selection(options_.bank, options_.registers);
    TPM2B_ATTEST* quoted = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    const TSS2_RC rc = Esys_Quote(esys_.get(), key_.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &data, &scheme, &selection, &quoted, &signature);
    const EsysPtr<TPM2B_ATTEST> owned_quoted(quoted);
    const EsysPtr<TPMT_SIGNATURE> owned_signature(signature);
    SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's quote"));
    evidence.attest.assign(quoted->attestationData, quoted->attestationData + quoted->size);
    SEALFOLD_ASSIGN_OR_RETURN(evidence.signature, MarshalSignature(*signature));
    return absl::OkStatus();
  }

  TpmAttesterOptions options_;
  Esys esys_;
  TpmKey key_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Attester>> ConnectTpmAttester(const std::string& tcti,
                                                             TpmAttesterOptions options) {
  SEALFOLD_ASSIGN_OR_RETURN(Esys esys, Esys::Open(tcti));
  return MakeTpmAttester(std::move(esys), std::move(options));
}

absl::StatusOr<std::unique_ptr<Attester>> MakeTpmAttester(Esys esys, TpmAttesterOptions options) {
  SEALFOLD_CHECK(options.now_ms != nullptr && TpmHashSize(options.bank) != 0);
  SEALFOLD_CHECK(options.registers != 0 && options.registers < 1u << kTpmRegisters);
  SEALFOLD_ASSIGN_OR_RETURN(TpmKey key, options.persistent_handle.has_value()
                                            ? LoadAttestationKey(esys, *options.persistent_handle)
                                            : CreateAttestationKey(esys, options.hierarchy));
  return std::make_unique<TpmAttester>(std::move(options), std::move(esys), std::move(key));
}

}  // namespace sealfold
