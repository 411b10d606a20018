// Sealing to the RSA key that an attestation document carries, as AWS KMS does: CMS EnvelopedData
// (RFC 5652), AES-256-CBC, the content key by RSAES-OAEP with SHA-256 and MGF1-SHA-256, the
// recipient named by its subjectKeyIdentifier.
//
// CBC has no tag: that an answer is the service's own comes from the connection (TLS), not from
// this.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_WIRE_RECIPIENT_KEY_H_
#define SEALFOLD_ATTEST_KEYCLIENT_WIRE_RECIPIENT_KEY_H_

#include <openssl/evp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr int kRecipientKeyBitsMin = 2048;
inline constexpr size_t kEnvelopeSizeMax = 16384;

// The private key of one request, in OpenSSL's key object, which wipes it. Moves, does not copy.
class RecipientKey {
 public:
  // A fresh RSA key of kRecipientKeyBitsMin bits: tens of milliseconds.
  static RecipientKey Generate();

  Bytes Spki() const;  // SubjectPublicKeyInfo, DER: for a document's public_key
  // The content of an envelope sealed to this key. InvalidArgument, code "envelope_malformed", for
  // what is no envelope with its key as above; PermissionDenied, code "envelope_closed", where this
  // key does not open it.
  absl::StatusOr<Secret> Open(ByteSpan envelope) const;

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
  explicit RecipientKey(Key key) : key_(std::move(key)) {}
  Key key_;
};

// Whether `spki` is exactly one RSA public key of at least kRecipientKeyBitsMin bits.
// InvalidArgument, code "recipient_key_unfit".
absl::Status CheckRecipientKey(ByteSpan spki);

// `content` sealed to the key `spki`, DER. Errors as CheckRecipientKey.
absl::StatusOr<Bytes> SealToRecipient(ByteSpan spki, ByteSpan content);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_WIRE_RECIPIENT_KEY_H_
