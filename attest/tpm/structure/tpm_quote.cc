#include "attest/tpm/structure/tpm_quote.h"

#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/tpm/structure/tpm_hash.h"

namespace sealfold {
namespace {

constexpr uint32_t kGenerated = 0xff544347;  // "\xffTCG": made by a TPM of itself
constexpr uint16_t kAttestQuote = 0x8018;
constexpr size_t kNameSizeMax = 2 + 48;
constexpr size_t kExtraDataSizeMax = 64;
constexpr uint8_t kSelectionSize = 3;  // bytes of a mask of 24 registers
constexpr size_t kRsaSizeMax = 512;
constexpr size_t kScalarSizeMax = 48;

// TPML_PCR_SELECTION, of one bank.
void ReadSelection(TpmReader& reader, TpmQuote& quote) {
  const uint32_t banks = reader.U32();
  reader.Require(banks == 1, "pcrSelect", "registers of one bank", banks);
  quote.bank = reader.U16();
  reader.Require(TpmHashSize(quote.bank) != 0, "bank", "SHA-256 or SHA-384", quote.bank);
  const uint8_t size = reader.U8();
  reader.Require(size == kSelectionSize, "sizeofSelect", "a mask of 24 registers", size);
  const ByteSpan mask = reader.Take(kSelectionSize);
  for (size_t i = 0; i < mask.size(); ++i) quote.registers |= uint32_t{mask[i]} << (8 * i);
  reader.Require(quote.registers != 0, "pcrSelect", "at least one register", 0);
}

}  // namespace

absl::StatusOr<TpmQuote> ParseTpmQuote(ByteSpan attest) {
  TpmReader reader("TPMS_ATTEST", attest);
  TpmQuote quote;
  const uint32_t magic = reader.U32();
  reader.Require(magic == kGenerated, "magic", "TPM_GENERATED_VALUE", magic);
  const uint16_t type = reader.U16();
  reader.Require(type == kAttestQuote, "type", "TPM_ST_ATTEST_QUOTE", type);
  quote.qualified_signer = ToBytes(reader.Sized("qualifiedSigner", kNameSizeMax));
  quote.extra_data = ToBytes(reader.Sized("extraData", kExtraDataSizeMax));
  quote.clock_ms = reader.U64();
  quote.resets = reader.U32();
  quote.restarts = reader.U32();
  const uint8_t safe = reader.U8();
  reader.Require(safe <= 1, "safe", "yes or no", safe);
  quote.clock_safe = safe == 1;
  quote.firmware_version = reader.U64();
  ReadSelection(reader, quote);
  quote.register_digest = ToBytes(reader.Sized("pcrDigest", 48));
  const absl::Status status = reader.Finish();
  if (!status.ok()) return status;
  return quote;
}

absl::StatusOr<TpmSignature> ParseTpmSignature(ByteSpan signature) {
  TpmReader reader("TPMT_SIGNATURE", signature);
  TpmSignature out;
  out.scheme = reader.U16();
  out.hash = reader.U16();
  reader.Require(TpmHashSize(out.hash) != 0, "hash", "SHA-256 or SHA-384", out.hash);
  if (out.scheme == kTpmAlgEcdsa) {
    out.ecdsa_r = ToBytes(reader.Sized("signatureR", kScalarSizeMax));
    out.ecdsa_s = ToBytes(reader.Sized("signatureS", kScalarSizeMax));
  } else {
    reader.Require(out.scheme == kTpmAlgRsaSsa || out.scheme == kTpmAlgRsaPss, "sigAlg",
                   "ECDSA, RSASSA or RSAPSS", out.scheme);
    out.rsa = ToBytes(reader.Sized("sig", kRsaSizeMax));
  }
  const absl::Status status = reader.Finish();
  if (!status.ok()) return status;
  return out;
}

}  // namespace sealfold
