// A data set that its owner encrypted at home, for programs that the owner's key service releases
// the key to (docs/PROTOCOL.md, "Sealed data sets"): a header signed by the owner, then the chunks.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_SEALED_DATA_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_SEALED_DATA_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

inline constexpr size_t kDataKeySize = 32;
inline constexpr uint64_t kSealedDataBytesMax = uint64_t{256} << 20;  // in the clear

struct SealedDataHeader {
  static constexpr char kType[] = "data-set";
  Digest terms = {};       // SHA-256 of the file that says what the data may be used for
  Bytes wrapped_key = {};  // the data key, encrypted by the owner's key service
  uint64_t data_bytes = 0;
  uint64_t chunk_bytes = 64 << 10;

  template <class V>
  void Fields(V& v) {
    v("terms", terms);
    v("wrapped_key", wrapped_key);
    v("data_bytes", data_bytes);
    v("chunk_bytes", chunk_bytes);
  }
};

// The encryption context that the data key is wrapped under: a program that asks with the terms it
// follows gets no key to data that was sealed for other terms.
std::map<std::string, std::string> DataKeyContext(const SigningPublicKey& owner,
                                                  const Digest& terms);

// The file. `data_key` was drawn for this file, `header.data_bytes` is filled in. Requires:
// data_key.size() == kDataKeySize, 0 < data.size() <= kSealedDataBytesMax, a header as specified.
Bytes SealData(ByteSpan data, SealedDataHeader header, ByteSpan data_key, const SigningKey& owner);

// A file whose header's signature holds; whether `owner` may be the owner is the caller's question.
// The views live as long as the file's bytes.
struct SealedData {
  SigningPublicKey owner = {};
  SealedDataHeader header = {};
  Digest header_digest = {};  // SHA-256 of the signed header
  ByteSpan chunks = {};

  // PermissionDenied ("seal_broken") where key or any byte is another; InvalidArgument
  // ("data_key_length").
  absl::StatusOr<Secret> Open(ByteSpan data_key) const;
};
// InvalidArgument ("cbor_*", "cose_malformed", "data_header" for a value out of its bounds,
// "data_length" for another size of the chunks than the header's) or PermissionDenied
// ("signature_wrong").
absl::StatusOr<SealedData> ReadSealedData(ByteSpan file);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_SEALED_DATA_H_
