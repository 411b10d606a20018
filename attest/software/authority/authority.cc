#include "attest/software/authority/authority.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/software/authority/issue.h"
#include "attest/software/software_verifier.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr int64_t kDay_s = 24 * 60 * 60;
constexpr int64_t kRootLife_s = 3650 * kDay_s;
constexpr int64_t kLeafLife_s = 3 * 60 * 60;
constexpr int64_t kRenewBefore_s = 10 * 60;
// Certificates begin a little in the past, so that a clock set back by seconds needs no new ones.
constexpr int64_t kBackdate_s = 5;
constexpr size_t kFileSizeMax = 64 * 1024;

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

absl::Status Unfit(absl::string_view code, std::string what, std::string expected,
                   std::string found, std::string advice) {
  return BadInput({.code = absl::StrCat("authority_", code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

absl::StatusOr<UniqueKey> ReadKey(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string pem, ReadFile(path, kFileSizeMax));
  auto key = PrivateKeyFromPem(AsBytes(pem));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(pem.data()), pem.size()));
  return key;
}

std::string RandomName() {
  Bytes bytes(8);
  FillRandom(absl::MakeSpan(bytes));
  return HexEncode(bytes);
}

}  // namespace

absl::StatusOr<Authority> Authority::Open(const std::string& state_dir, uint64_t now_ms) {
  if (mkdir(state_dir.c_str(), 0700) != 0 && errno != EEXIST) {
    return Unfit("directory", absl::StrCat("state directory ", state_dir),
                 "one that is there or can be made", std::strerror(errno),
                 "name another with --state");
  }
  const std::string key_path = absl::StrCat(state_dir, "/root.key");
  const std::string root_path = absl::StrCat(state_dir, "/root.pem");
  const auto now_s = static_cast<int64_t>(now_ms / 1000);

  if (!Exists(key_path)) {
    if (Exists(root_path)) {
      return Unfit("key_missing", key_path, "the key of root.pem", "no such file",
                   "restore it, or remove root.pem too and give the new one to every participant");
    }
    Secret pem = PrivateKeyPem(GenerateP384Key().get());
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(key_path, AsText(pem.span()), /*secret=*/true));
  }
  SEALFOLD_ASSIGN_OR_RETURN(UniqueKey key, ReadKey(key_path));
  if (!Exists(root_path)) {
    Certificate made =
        IssueCertificate({.common_name = absl::StrCat("sealfold-softnsm root ", RandomName()),
                          .not_before_s = now_s - kDay_s,
                          .not_after_s = now_s + kRootLife_s,
                          .basic_constraints = "critical,CA:TRUE",
                          .key_usage = "critical,keyCertSign"},
                         key.get(), nullptr);
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(root_path, made.Pem()));
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::string root_pem, ReadFile(root_path, kFileSizeMax));
  SEALFOLD_RETURN_IF_ERROR(SoftwareVerifier().CheckTrust({.root_pem = std::string(root_pem)}));
  SEALFOLD_ASSIGN_OR_RETURN(Certificate root, Certificate::FromPem(root_pem));
  if (EVP_PKEY_eq(root.public_key(), key.get()) != 1) {
    return Unfit("key_other", root_path, "a certificate of the key in root.key", "another key's",
                 "restore the two files that belong together");
  }
  return Authority(std::move(root), std::move(key));
}

const Authority::Leaf& Authority::LeafAt(uint64_t now_ms) {
  const uint64_t renew_at_ms =
      leaf_.not_after_ms - std::min<uint64_t>(leaf_.not_after_ms, kRenewBefore_s * 1000);
  if (now_ms >= leaf_.not_before_ms && now_ms < renew_at_ms) return leaf_;

  const int64_t not_before_s = static_cast<int64_t>(now_ms / 1000) - kBackdate_s;
  const int64_t not_after_s = not_before_s + kLeafLife_s;
  const std::string name = RandomName();
  UniqueKey intermediate_key = GenerateP384Key();
  const Issuer by_root{root_, root_key_.get()};
  Certificate intermediate =
      IssueCertificate({.common_name = absl::StrCat("sealfold-softnsm intermediate ", name),
                        .not_before_s = not_before_s,
                        .not_after_s = not_after_s,
                        .basic_constraints = "critical,CA:TRUE,pathlen:0",
                        .key_usage = "critical,keyCertSign"},
                       intermediate_key.get(), &by_root);
  const Issuer by_intermediate{intermediate, intermediate_key.get()};
  UniqueKey leaf_key = GenerateP384Key();
  Certificate certificate =
      IssueCertificate({.common_name = absl::StrCat("sealfold-softnsm leaf ", name),
                        .not_before_s = not_before_s,
                        .not_after_s = not_after_s,
                        .basic_constraints = "critical,CA:FALSE",
                        .key_usage = "critical,digitalSignature"},
                       leaf_key.get(), &by_intermediate);
  leaf_ = {.key = std::move(leaf_key),
           .certificate = certificate.der(),
           .bundle = {root_.der(), intermediate.der()},
           .not_before_ms = static_cast<uint64_t>(not_before_s) * 1000,
           .not_after_ms = static_cast<uint64_t>(not_after_s) * 1000};
  return leaf_;
}

}  // namespace sealfold
