#include "attest/nitro/nsm.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "attest/nitro/nitro_verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint16_t kVersionMajor = 1;  // changes only where the interface breaks

// "ReadOnlyIndex" as "read_only_index".
std::string SnakeCase(absl::string_view name) {
  std::string out;
  for (char c : name) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !out.empty()) out += '_';
    out += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return out;
}

std::optional<Bytes> UnlessEmpty(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  return ToBytes(bytes);
}

class NsmAttester final : public Attester {
 public:
  explicit NsmAttester(Nsm nsm) : nsm_(std::move(nsm)) {}
  absl::string_view platform() const override { return kAwsNitroPlatform; }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    return nsm_.Attest({.user_data = UnlessEmpty(user_data),
                        .nonce = UnlessEmpty(nonce),
                        .public_key = UnlessEmpty(public_key)});
  }

 private:
  Nsm nsm_;
};

}  // namespace

absl::Status Nsm::Unavailable(absl::string_view code, std::string found) const {
  return PeerError({.code = absl::StrCat("attester_", code),
                    .what = absl::StrCat("Nitro Secure Module ", name_),
                    .expected = "an answer to the request",
                    .found = std::move(found)});
}

template <class Response>
absl::StatusOr<Response> Nsm::Ask(const NsmRequest& request) {
  const Bytes bytes = EncodeNsmRequest(request);
  if (bytes.size() > kNsmRequestSizeMax) {
    return Unavailable("input_too_large", absl::StrCat("a request of ", bytes.size(), " bytes"));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes answer, exchange_(bytes));
  absl::StatusOr<NsmResponse> response = ParseNsmResponse(answer);
  if (!response.ok()) return Unavailable("malformed", Explain(response.status()).found);
  if (auto* expected = std::get_if<Response>(&*response)) return std::move(*expected);
  if (const auto* error = std::get_if<NsmError>(&*response)) {
    const absl::string_view name = NsmErrorName(*error);
    return Unavailable(SnakeCase(name), absl::StrCat("error ", name));
  }
  return Unavailable("malformed", "an answer to another request");
}

absl::StatusOr<NsmDescribeResponse> Nsm::Describe() {
  return Ask<NsmDescribeResponse>(NsmDescribeRequest{});
}

absl::StatusOr<NsmDescribePcrResponse> Nsm::DescribePcr(uint16_t index) {
  return Ask<NsmDescribePcrResponse>(NsmDescribePcrRequest{.index = index});
}

absl::StatusOr<Bytes> Nsm::ExtendPcr(uint16_t index, ByteSpan data) {
  SEALFOLD_ASSIGN_OR_RETURN(
      NsmExtendPcrResponse response,
      Ask<NsmExtendPcrResponse>(NsmExtendPcrRequest{.index = index, .data = ToBytes(data)}));
  return std::move(response.data);
}

absl::Status Nsm::LockPcr(uint16_t index) {
  return Ask<NsmLockPcrResponse>(NsmLockPcrRequest{.index = index}).status();
}

absl::Status Nsm::LockPcrs(uint16_t range) {
  return Ask<NsmLockPcrsResponse>(NsmLockPcrsRequest{.range = range}).status();
}

absl::StatusOr<Bytes> Nsm::Attest(NsmAttestationRequest request) {
  SEALFOLD_ASSIGN_OR_RETURN(NsmAttestationResponse response,
                            Ask<NsmAttestationResponse>(std::move(request)));
  return std::move(response.document);
}

absl::StatusOr<Bytes> Nsm::Random() {
  SEALFOLD_ASSIGN_OR_RETURN(NsmRandomResponse response, Ask<NsmRandomResponse>(NsmRandomRequest{}));
  if (response.random.empty()) return Unavailable("malformed", "no random bytes");
  return std::move(response.random);
}

absl::StatusOr<std::unique_ptr<Attester>> MakeNsmAttester(Nsm nsm) {
  SEALFOLD_ASSIGN_OR_RETURN(const NsmDescribeResponse description, nsm.Describe());
  if (description.version_major != kVersionMajor || description.digest != "SHA384") {
    return PeerError(
        {.code = "attester_version",
         .what = "Nitro Secure Module",
         .expected = absl::StrCat("version ", kVersionMajor, ", SHA384"),
         .found = absl::StrCat("version ", description.version_major, ", ", description.digest)});
  }
  return std::unique_ptr<Attester>(std::make_unique<NsmAttester>(std::move(nsm)));
}

absl::StatusOr<std::unique_ptr<Attester>> OpenNsmAttester(const std::string& device_path) {
  SEALFOLD_ASSIGN_OR_RETURN(NsmExchange exchange, OpenNsmDevice(device_path));
  return MakeNsmAttester(Nsm(device_path, std::move(exchange)));
}

}  // namespace sealfold
