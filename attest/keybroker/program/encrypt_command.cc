#include "attest/keybroker/program/encrypt_command.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hash.h"
#include "protocol/crypto/key_file.h"
#include "protocol/envelope/sealed_data.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

constexpr size_t kTermsSizeMax = 1 << 20;

// Wrapping a key takes none.
class NoEvidence final : public Attester {
 public:
  absl::string_view platform() const override { return "none"; }
  absl::StatusOr<Bytes> Attest(ByteSpan, ByteSpan, ByteSpan) override {
    return PeerError({.code = "evidence_none",
                      .what = "evidence about this program",
                      .expected = "a platform that attests to it",
                      .found = "none"});
  }
};

absl::StatusOr<Secret> ReadData(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kSealedDataBytesMax));
  Secret data = Secret::CopyOf(AsBytes(text));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (!data.empty()) return data;
  return BadInput({.code = "data_empty", .what = path, .expected = "data", .found = "0 bytes"});
}

// What is written takes the place of what was there, which would be the only copy of it.
absl::Status CheckOut(const EncryptOptions& options) {
  for (const std::string& input : {options.data_path, options.terms_path, options.owner_key_path,
                                   options.service.ca_path, options.service.access_key_path}) {
    std::error_code error;
    if (!std::filesystem::equivalent(options.out_path, input, error)) continue;
    return BadInput({.code = "output_is_input",
                     .what = absl::StrCat("--out ", options.out_path),
                     .expected = "another file than those that are read",
                     .found = input,
                     .advice = "name a new file"});
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EncryptCommand(const EncryptOptions& options, const Output& output) {
  SEALFOLD_RETURN_IF_ERROR(CheckOut(options));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string terms_text,
                            ReadFile(options.terms_path, kTermsSizeMax));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyFile owner_file,
                            ReadKeyFile(options.owner_key_path, KeyRole::kParticipant));
  SEALFOLD_ASSIGN_OR_RETURN(const Secret data, ReadData(options.data_path));
  NoEvidence no_evidence;
  SEALFOLD_ASSIGN_OR_RETURN(KeyClient client, ConnectKeyService(options.service, no_evidence));
  const SigningKey owner = owner_file.signing_key();
  const Secret data_key = RandomSecret(kDataKeySize);
  SealedDataHeader header{.terms = Sha256(AsBytes(terms_text))};
  SEALFOLD_ASSIGN_OR_RETURN(header.wrapped_key,
                            client.Encrypt(options.key_id, data_key.span(),
                                           DataKeyContext(owner.public_key(), header.terms)));
  const std::string terms = header.terms.hex();
  const Bytes sealed = SealData(data.span(), std::move(header), data_key.span(), owner);
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out_path, AsText(sealed)));
  output.Line(absl::StrCat(data.size(), " bytes encrypted in ", options.out_path));
  output.Line(absl::StrCat("owner ", owner.public_key().hex()));
  output.Line(absl::StrCat("terms ", terms));
  output.Json(JsonText(nlohmann::json({{"file", options.out_path},
                                       {"bytes", data.size()},
                                       {"owner", owner.public_key().hex()},
                                       {"terms", terms}})));
  return absl::OkStatus();
}

}  // namespace sealfold
