#include "protocol/envelope/nonce_batch.h"

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"

namespace sealfold {
namespace {

constexpr absl::string_view kLeafContext = "sealfold nonce 1";

}  // namespace

Digest NonceBatch::digest() const { return Sha256(cbor::EncodeFields(*this)); }

Digest NonceLeaf(const SessionNonce& nonce) {
  Bytes leaf = ToBytes(AsBytes(kLeafContext));
  Append(leaf, nonce.span());
  return MerkleLeaf(leaf);
}

absl::Status CheckNoncePath(const SessionNonce& nonce, const NoncePath& path) {
  const bool fits = path.size <= kNonceBatchMax;
  if (fits && VerifyInclusion(NonceLeaf(nonce), path.index, path.size, path.path, path.root).ok()) {
    return absl::OkStatus();
  }
  return Refused(
      {.code = "nonce_not_in_batch",
       .what = "session's nonce in the document's batch",
       .expected = "a path from it to the batch's root",
       .found = fits ? absl::StrCat("one of ", path.path.size(), " hashes for entry ", path.index,
                                    " of ", path.size, ", which leads elsewhere")
                     : absl::StrCat("a batch of ", path.size, ", more than ", kNonceBatchMax),
       .advice = "ask for new evidence"});
}

}  // namespace sealfold
