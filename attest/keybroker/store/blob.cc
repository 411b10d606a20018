#include "attest/keybroker/store/blob.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/value.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr uint8_t kMagic[] = {'S', 'F', 'K', 'B', 1};
constexpr size_t kSaltAt = sizeof(kMagic) + KeyId::kSize;
constexpr size_t kHeaderSize = kSaltAt + 32;
constexpr absl::string_view kInfo = "sealfold-keybroker blob 1";

absl::Status Malformed(std::string found) {
  return BadInput({.code = "blob_malformed",
                   .what = "ciphertext blob",
                   .expected = "one that this broker made",
                   .found = std::move(found)});
}

// A blob's own key and nonce, by its header.
struct BlobCipher {
  BlobCipher(const Secret& key, ByteSpan header)
      : material(HkdfExpand(HkdfExtract(header.subspan(kSaltAt), {key.span()}).span(), Info(header),
                            AeadKeySize(AeadId::kAes256Gcm) + kAeadNonceSize)),
        aead(Aead::Make(AeadId::kAes256Gcm,
                        material.span().first(AeadKeySize(AeadId::kAes256Gcm)))) {}
  static Bytes Info(ByteSpan header) {
    Bytes info = ToBytes(AsBytes(kInfo));
    Append(info, header.first(kSaltAt));
    return info;
  }
  ByteSpan nonce() const { return material.span().last(kAeadNonceSize); }

  Secret material;
  Aead aead;
};

Bytes BoundTo(ByteSpan header, const EncryptionContext& context) {
  cbor::Map map;
  for (const auto& [name, value] : context) {
    map.emplace_back(cbor::Value::Text(name), cbor::Value::Text(value));
  }
  Bytes out = ToBytes(header);
  Append(out, cbor::Encode(cbor::Value::OfMap(std::move(map))));
  return out;
}

}  // namespace

Bytes SealBlob(const KeyId& id, const Secret& key, const EncryptionContext& context,
               ByteSpan plaintext) {
  SEALFOLD_CHECK(!plaintext.empty() && plaintext.size() <= kBlobPlaintextSizeMax);
  Bytes blob(kHeaderSize + plaintext.size() + kAeadTagSize);
  std::copy(std::begin(kMagic), std::end(kMagic), blob.begin());
  std::copy(id.span().begin(), id.span().end(), blob.begin() + sizeof(kMagic));
  FillRandom(MutableByteSpan(blob).subspan(kSaltAt, kHeaderSize - kSaltAt));
  const ByteSpan header = ByteSpan(blob).first(kHeaderSize);
  const BlobCipher cipher(key, header);
  cipher.aead.Seal(cipher.nonce(), BoundTo(header, context), plaintext,
                   MutableByteSpan(blob).subspan(kHeaderSize));
  return blob;
}

absl::StatusOr<KeyId> BlobKey(ByteSpan blob) {
  if (blob.size() <= kHeaderSize + kAeadTagSize || blob.size() > kBlobSizeMax) {
    return Malformed(absl::StrCat(blob.size(), " bytes"));
  }
  if (!std::equal(std::begin(kMagic), std::end(kMagic), blob.begin())) {
    return Malformed("another beginning");
  }
  return KeyId::From(blob.subspan(sizeof(kMagic), KeyId::kSize));
}

absl::StatusOr<Secret> OpenBlob(const Secret& key, const EncryptionContext& context,
                                ByteSpan blob) {
  SEALFOLD_RETURN_IF_ERROR(BlobKey(blob).status());
  const ByteSpan header = blob.first(kHeaderSize);
  const BlobCipher cipher(key, header);
  Secret plaintext(blob.size() - kHeaderSize - kAeadTagSize);
  SEALFOLD_RETURN_IF_ERROR(cipher.aead.Open(cipher.nonce(), BoundTo(header, context),
                                            blob.subspan(kHeaderSize), plaintext.mutable_span()));
  return plaintext;
}

}  // namespace sealfold
