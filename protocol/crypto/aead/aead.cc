#include "protocol/crypto/aead/aead.h"

#include <climits>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/choice.h"

namespace sealfold {
namespace {

bool SameStartOrDisjoint(ByteSpan in, ByteSpan out) {
  const std::less_equal<const uint8_t*> not_after;
  return in.data() == out.data() || in.empty() || out.empty() ||
         not_after(in.data() + in.size(), out.data()) ||
         not_after(out.data() + out.size(), in.data());
}

// What every backend may rely on.
void CheckMessage(ByteSpan nonce, ByteSpan aad, ByteSpan in, ByteSpan out) {
  SEALFOLD_CHECK(nonce.size() == kAeadNonceSize);
  SEALFOLD_CHECK(aad.size() <= INT_MAX && in.size() <= INT_MAX);
  SEALFOLD_CHECK(SameStartOrDisjoint(in, out));
}

}  // namespace

size_t AeadKeySize(AeadId id) { return id == AeadId::kAes128Gcm ? 16 : 32; }

std::string AeadLibrary(AeadId id) {
  const AeadBackend& backend = ChosenAeadBackend(id);
  return absl::StrCat(backend.name, " ", backend.version);
}

Aead::Aead(std::unique_ptr<const AeadKey> key) : key_(std::move(key)) {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

Aead Aead::Make(AeadId id, ByteSpan key) {
  SEALFOLD_CHECK(key.size() == AeadKeySize(id));
  return Aead(ChosenAeadBackend(id).make(id, key));
}

void Aead::Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const {
  SEALFOLD_CHECK(out.size() == plaintext.size() + kAeadTagSize);
  CheckMessage(nonce, aad, plaintext, out);
  key_->Seal(nonce, aad, plaintext, out);
}

absl::Status Aead::Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const {
  SEALFOLD_CHECK(sealed.size() == out.size() + kAeadTagSize);
  CheckMessage(nonce, aad, sealed, out);
  if (key_->Open(nonce, aad, sealed, out)) return absl::OkStatus();
  Wipe(out);
  return Refused({.code = "seal_broken",
                  .what = "sealed bytes",
                  .expected = "bytes sealed under this key, nonce and associated data",
                  .found = "an authentication tag that does not fit"});
}

}  // namespace sealfold
