// The Merkle tree of RFC 9162 (section 2.1) with SHA-256: a round's log of updates.
#ifndef SEALFOLD_PROTOCOL_LOG_MERKLE_H_
#define SEALFOLD_PROTOCOL_LOG_MERKLE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "protocol/base/types.h"

namespace sealfold {

// SHA-256(0x00 ‖ leaf).
Digest MerkleLeaf(ByteSpan leaf);

// An append-only log of leaf hashes. Bounded by the caller (a plan's participants). Keeps every
// complete subtree's root (64 bytes a leaf), so that a root costs O(log size) hashes, a proof
// O(log² size).
class MerkleLog {
 public:
  // Returns the new leaf's index.
  uint64_t Append(const Digest& leaf_hash);
  uint64_t size() const { return levels_[0].size(); }
  // The root of the first `size` leaves (section 2.1.1); of none: SHA-256(""). Requires: size <=
  // this->size().
  Digest Root(uint64_t size) const;
  Digest Root() const { return Root(size()); }
  // Section 2.1.3. Requires: index < size <= this->size().
  std::vector<Digest> InclusionProof(uint64_t index, uint64_t size) const;
  // Section 2.1.4. Requires: 0 < first <= second <= this->size().
  std::vector<Digest> ConsistencyProof(uint64_t first, uint64_t second) const;

 private:
  // The hash of the tree over the leaves [first, first + size); first is a multiple of the least
  // power of two not below size.
  Digest Subtree(uint64_t first, uint64_t size) const;

  // levels_[k][i] is the root over the leaves [i * 2^k, (i + 1) * 2^k).
  std::vector<std::vector<Digest>> levels_{1};
};

// Section 2.1.3.2. PermissionDenied ("inclusion_proof_wrong") if the proof does not show that the
// leaf is at `index`. A root does not tell its tree's size: `size` and `root` must come from one
// signed statement.
absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                             absl::Span<const Digest> proof, const Digest& root);
// Section 2.1.4.2. PermissionDenied ("consistency_proof_wrong") unless the log of `second` entries
// begins with the log of `first`; first > 0. As above, each root comes with its size.
absl::Status VerifyConsistency(uint64_t first, uint64_t second, const Digest& first_root,
                               const Digest& second_root, absl::Span<const Digest> proof);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_LOG_MERKLE_H_
