#include "attest/nitrotpm/device/nitrotpm_attester.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/nitro/nsm_message.h"
#include "attest/nitrotpm/device/nv_buffer.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/tpm/device/tpm_keys.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/first_item.h"

namespace sealfold {
namespace {

constexpr cbor::Limits kResponseLimits = {
    .size_bytes_max = kNitroTpmBufferSize, .items_max = 64, .depth_max = 4};

std::optional<Bytes> UnlessEmpty(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  return ToBytes(bytes);
}

absl::Status Unexpected(std::string found) {
  return PeerError({.code = "attester_refused",
                    .what = "NitroTPM's answer",
                    .expected = "an attestation document",
                    .found = std::move(found),
                    .advice = "see that the instance's image supports attestation by NitroTPM"});
}

class NitroTpmAttester final : public Attester {
 public:
  NitroTpmAttester(Esys esys, FillBytes random)
      : esys_(std::move(esys)), random_(std::move(random)) {}

  absl::string_view platform() const override { return kAwsNitroTpmPlatform; }

  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    const NsmAttestationRequest request{.user_data = UnlessEmpty(user_data),
                                        .nonce = UnlessEmpty(nonce),
                                        .public_key = UnlessEmpty(public_key)};
    const Bytes bytes = EncodeNsmRequest(request);
    if (bytes.size() > kNsmRequestSizeMax) {
      return BadInput({.code = "nsm_request_malformed",
                       .what = "request for a document",
                       .expected = absl::StrCat("at most ", kNsmRequestSizeMax, " bytes"),
                       .found = absl::StrCat(bytes.size())});
    }
    SEALFOLD_ASSIGN_OR_RETURN(NvBuffer buffer,
                              NvBuffer::Define(esys_, kNitroTpmBufferSize, random_));
    SEALFOLD_RETURN_IF_ERROR(buffer.Write(bytes));
    SEALFOLD_RETURN_IF_ERROR(Request(buffer));
    SEALFOLD_ASSIGN_OR_RETURN(const Bytes memory, buffer.Read());
    return Document(memory);
  }

 private:
  // The command names the index twice: as what authorises and as what is worked on.
  absl::Status Request(const NvBuffer& buffer) {
    SEALFOLD_ASSIGN_OR_RETURN(const TpmKey key, LoadKey(esys_, kRsaEndorsementKeyHandle));
    SEALFOLD_ASSIGN_OR_RETURN(const Bytes name, buffer.Name());
    const SessionCommand command{.code = kNitroTpmNsmRequest,
                                 .handles = {buffer.index(), buffer.index()},
                                 .names = {name, name}};
    return RunUnderSession(esys_.tcti(),
                           {.handle = kRsaEndorsementKeyHandle, .public_area = key.public_area},
                           command, buffer.auth().span(), random_)
        .status();
  }

  // The answer stands at the beginning of the memory; what follows it means nothing.
  static absl::StatusOr<Bytes> Document(ByteSpan memory) {
    const absl::StatusOr<size_t> size = cbor::FirstItemSize(memory, kResponseLimits);
    if (!size.ok()) return Unexpected(Explain(size.status()).found);
    absl::StatusOr<NsmResponse> response = ParseNsmResponse(memory.first(*size));
    if (!response.ok()) return Unexpected(Explain(response.status()).found);
    if (auto* attestation = std::get_if<NsmAttestationResponse>(&*response)) {
      return std::move(attestation->document);
    }
    const auto* error = std::get_if<NsmError>(&*response);
    return Unexpected(error == nullptr ? "an answer to another request"
                                       : absl::StrCat("error ", NsmErrorName(*error)));
  }

  Esys esys_;
  FillBytes random_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Attester>> ConnectNitroTpmAttester(const std::string& tcti) {
  SEALFOLD_ASSIGN_OR_RETURN(Esys esys, Esys::Open(tcti));
  // Found out now rather than when the first round waits.
  SEALFOLD_RETURN_IF_ERROR(LoadKey(esys, kRsaEndorsementKeyHandle).status());
  return MakeNitroTpmAttester(std::move(esys), [](MutableByteSpan out) { FillRandom(out); });
}

std::unique_ptr<Attester> MakeNitroTpmAttester(Esys esys, FillBytes random) {
  return std::make_unique<NitroTpmAttester>(std::move(esys), std::move(random));
}

}  // namespace sealfold
