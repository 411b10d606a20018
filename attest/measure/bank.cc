#include "attest/measure/bank.h"

#include <openssl/evp.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

const EVP_MD* Algorithm(BankHash hash) {
  switch (hash) {
    case BankHash::kSha1:
      return EVP_sha1();
    case BankHash::kSha256:
      return EVP_sha256();
    case BankHash::kSha384:
      return EVP_sha384();
    case BankHash::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

absl::string_view BankHashName(BankHash hash) {
  switch (hash) {
    case BankHash::kSha1:
      return "sha1";
    case BankHash::kSha256:
      return "sha256";
    case BankHash::kSha384:
      return "sha384";
    case BankHash::kSha512:
      return "sha512";
  }
  return "";
}

std::optional<BankHash> FindBankHash(absl::string_view name) {
  for (const BankHash hash : kBankHashes) {
    if (BankHashName(hash) == name) return hash;
  }
  return std::nullopt;
}

struct BankHasher::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

BankHasher::BankHasher(BankHash hash) : state_(std::make_unique<State>()) {
  SEALFOLD_CHECK(state_->context != nullptr &&
                 EVP_DigestInit_ex(state_->context.get(), Algorithm(hash), nullptr) == 1);
}

BankHasher::BankHasher(BankHasher&&) noexcept = default;
BankHasher& BankHasher::operator=(BankHasher&&) noexcept = default;
BankHasher::~BankHasher() = default;

void BankHasher::Update(ByteSpan bytes) {
  SEALFOLD_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Bytes BankHasher::Finish() {
  Bytes digest(static_cast<size_t>(EVP_MD_CTX_get_size(state_->context.get())));
  SEALFOLD_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

Bytes HashInBank(BankHash hash, std::initializer_list<ByteSpan> parts) {
  BankHasher hasher(hash);
  for (const ByteSpan part : parts) hasher.Update(part);
  return hasher.Finish();
}

BankRegister::BankRegister(BankHash hash)
    : hash_(hash), value_(static_cast<size_t>(EVP_MD_get_size(Algorithm(hash)))) {}

void BankRegister::Extend(ByteSpan digest) {
  SEALFOLD_CHECK(digest.size() == value_.size());
  value_ = HashInBank(hash_, {value_, digest});
}

}  // namespace sealfold
