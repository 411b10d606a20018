// One document of evidence for the nonces of many hellos: its `nonce` is the root of a Merkle tree
// (RFC 9162, 2.1) over them, and its `user_data` is the hash of a NonceBatch in the binding's
// place. Each participant gets the path from its own nonce to that root.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_NONCE_BATCH_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_NONCE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "protocol/base/types.h"

namespace sealfold {

inline constexpr size_t kNonceBatchMax = 65'536;

// A root does not tell its tree's size, nor which session it is for: so both are signed with it.
struct NonceBatch {
  static constexpr char kType[] = "nonce-batch";
  Digest binding = {};  // Binding::digest()
  Digest root = {};
  uint64_t size = 0;

  template <class V>
  void Fields(V& v) {
    v("binding", binding);
    v("root", root);
    v("size", size);
  }
  // SHA-256 of the deterministic encoding: the document's user_data.
  Digest digest() const;
};

// In an offer.
struct NoncePath {
  uint64_t index = 0;
  uint64_t size = 0;
  Digest root = {};
  std::vector<Digest> path = {};

  template <class V>
  void Fields(V& v) {
    v("index", index);
    v("size", size);
    v("root", root);
    v("path", path);
  }
  bool operator==(const NoncePath&) const = default;
};

// The leaf's hash; no other tree's leaf begins alike.
Digest NonceLeaf(const SessionNonce& nonce);

// That `nonce` is in the batch of this root and size, which is not yet to say that a document is
// for that batch. PermissionDenied, code "nonce_not_in_batch".
absl::Status CheckNoncePath(const SessionNonce& nonce, const NoncePath& path);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_NONCE_BATCH_H_
