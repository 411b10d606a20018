#include "attest/keybroker/program/init_command.h"

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keybroker/server/server.h"
#include "attest/verifier.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kRootFileSizeMax = 64 << 10;

absl::StatusOr<std::vector<TrustRecord>> TrustOf(const InitOptions& options) {
  if (!options.software_root_path.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(std::string root,
                              ReadFile(options.software_root_path, kRootFileSizeMax));
    // Without what may stand beside it in the file, in any encoding. None is refused by the store.
    if (const auto certificate = Certificate::FromPem(root); certificate.ok()) {
      root = certificate->Pem();
    }
    return std::vector<TrustRecord>{{.platform = "sealfold-softnsm", .root_pem = std::move(root)}};
  }
  std::vector<TrustRecord> trust = {{.platform = "aws-nitro"}};
  if (FindVerifier("aws-nitrotpm") != nullptr) trust.push_back({.platform = "aws-nitrotpm"});
  return trust;
}

}  // namespace

absl::Status InitCommand(const BrokerFolder& folder, const InitOptions& options,
                         const Output& output) {
  std::error_code error;
  std::filesystem::create_directories(folder.path, error);
  if (error) {
    errno = error.value();
    return FileError("making", folder.path);
  }
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  if (std::filesystem::exists(folder.store_path(), error)) {
    return BadInput({.code = "store_exists",
                     .what = absl::StrCat("key store ", folder.store_path()),
                     .expected = "none yet",
                     .found = "one",
                     .advice = "take another folder: its keys would be lost"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<TrustRecord> trust, TrustOf(options));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, KeyStore::Create(std::move(trust)));
  SEALFOLD_ASSIGN_OR_RETURN(const SelfMadeCertificate certificate,
                            MakeCertificate(options.hosts, WallMs()));
  SEALFOLD_RETURN_IF_ERROR(
      WriteFileAtomic(folder.key_path(), AsText(certificate.key_pem.span()), /*secret=*/true));
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(folder.certificate_path(), certificate.certificate_pem));
  SEALFOLD_ASSIGN_OR_RETURN(DecisionLog log, DecisionLog::Open(folder.log_path()));
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  SEALFOLD_RETURN_IF_ERROR(LogChanges({}, store, log));
  json platforms = json::array();
  for (const TrustRecord& each : store.trust()) {
    platforms.push_back(each.platform);
    output.Line(absl::StrCat("takes evidence of ", each.platform));
  }
  output.Line(absl::StrCat("certificate for clients: ", folder.certificate_path()));
  output.Json(
      JsonText(json({{"platforms", platforms}, {"certificate", folder.certificate_path()}})));
  return absl::OkStatus();
}

}  // namespace sealfold
