#include "protocol/log/merkle.h"

#include <bit>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

Digest Parent(const Digest& left, const Digest& right) {
  static constexpr uint8_t kNode[] = {0x01};
  return Sha256({kNode, left.span(), right.span()});
}

// The greatest power of two below `size`: where the left subtree ends. Requires: size > 1.
uint64_t Split(uint64_t size) { return std::bit_floor(size - 1); }

// The way from a node up to the root of a tree whose last node of that level is `last`: fn and sn
// of the RFC.
class Climb {
 public:
  Climb(uint64_t node, uint64_t last) : node_(node), last_(last) {}

  bool at_root() const { return last_ == 0; }

  // Goes up past one sibling; true if that sibling is the left one.
  bool PassSibling() {
    const bool left = node_ % 2 == 1 || node_ == last_;
    if (left) {
      // A last node without a sibling of its own is carried up to where it has one.
      while (node_ % 2 == 0 && node_ != 0) Up();
    }
    Up();
    return left;
  }

  // Goes up while the node is a right child: to the root of the complete subtree that it ends.
  void SkipRight() {
    while (node_ % 2 == 1) Up();
  }

 private:
  void Up() {
    node_ >>= 1;
    last_ >>= 1;
  }
  uint64_t node_;
  uint64_t last_;
};

absl::Status InclusionWrong(uint64_t index, uint64_t size, absl::string_view found) {
  return Refused({.code = "inclusion_proof_wrong",
                  .what = absl::StrCat("inclusion proof of entry ", index, " of ", size),
                  .expected = "a path from the entry to the log's root",
                  .found = std::string(found)});
}

absl::Status ConsistencyWrong(uint64_t first, uint64_t second, absl::string_view found) {
  return Refused(
      {.code = "consistency_proof_wrong",
       .what = absl::StrCat("consistency proof from ", first, " to ", second, " entries"),
       .expected = "a later log that begins with the earlier one",
       .found = std::string(found)});
}

}  // namespace

Digest MerkleLeaf(ByteSpan leaf) {
  static constexpr uint8_t kLeaf[] = {0x00};
  return Sha256({kLeaf, leaf});
}

uint64_t MerkleLog::Append(const Digest& leaf_hash) {
  const uint64_t index = size();
  levels_[0].push_back(leaf_hash);
  for (size_t k = 0; levels_[k].size() % 2 == 0; ++k) {
    if (k + 1 == levels_.size()) levels_.emplace_back();
    const std::vector<Digest>& below = levels_[k];
    levels_[k + 1].push_back(Parent(below[below.size() - 2], below.back()));
  }
  return index;
}

Digest MerkleLog::Subtree(uint64_t first, uint64_t size) const {
  if (std::has_single_bit(size)) {
    const int k = std::countr_zero(size);
    return levels_[static_cast<size_t>(k)][first >> k];
  }
  const uint64_t left = Split(size);
  return Parent(Subtree(first, left), Subtree(first + left, size - left));
}

Digest MerkleLog::Root(uint64_t size) const {
  SEALFOLD_CHECK(size <= this->size());
  return size == 0 ? Sha256(ByteSpan()) : Subtree(0, size);
}

std::vector<Digest> MerkleLog::InclusionProof(uint64_t index, uint64_t size) const {
  SEALFOLD_CHECK(index < size && size <= this->size());
  std::vector<Digest> from_root;
  uint64_t first = 0;
  while (size > 1) {
    const uint64_t left = Split(size);
    if (index < first + left) {
      from_root.push_back(Subtree(first + left, size - left));
      size = left;
    } else {
      from_root.push_back(Subtree(first, left));
      first += left;
      size -= left;
    }
  }
  return {from_root.rbegin(), from_root.rend()};
}

std::vector<Digest> MerkleLog::ConsistencyProof(uint64_t first, uint64_t second) const {
  SEALFOLD_CHECK(0 < first && first <= second && second <= size());
  std::vector<Digest> from_root;
  // SUBPROOF(m, D[begin : begin + n], whole): `whole` while D[0 : first] is a subtree the verifier
  // knows.
  uint64_t begin = 0;
  uint64_t m = first;
  uint64_t n = second;
  bool whole = true;
  while (m < n) {
    const uint64_t left = Split(n);
    if (m <= left) {
      from_root.push_back(Subtree(begin + left, n - left));
      n = left;
    } else {
      from_root.push_back(Subtree(begin, left));
      begin += left;
      m -= left;
      n -= left;
      whole = false;
    }
  }
  if (!whole) from_root.push_back(Subtree(begin, n));
  return {from_root.rbegin(), from_root.rend()};
}

absl::Status VerifyInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                             absl::Span<const Digest> proof, const Digest& root) {
  if (index >= size) return InclusionWrong(index, size, "an index outside the log");
  Climb climb(index, size - 1);
  Digest hash = leaf_hash;
  for (const Digest& sibling : proof) {
    if (climb.at_root()) return InclusionWrong(index, size, "a proof too long");
    hash = climb.PassSibling() ? Parent(sibling, hash) : Parent(hash, sibling);
  }
  if (!climb.at_root()) return InclusionWrong(index, size, "a proof too short");
  if (hash != root) return InclusionWrong(index, size, "a path to another root");
  return absl::OkStatus();
}

absl::Status VerifyConsistency(uint64_t first, uint64_t second, const Digest& first_root,
                               const Digest& second_root, absl::Span<const Digest> proof) {
  if (first == 0 || first > second) {
    return ConsistencyWrong(first, second, "sizes that no proof can connect");
  }
  if (first == second) {
    if (!proof.empty()) return ConsistencyWrong(first, second, "a proof too long");
    if (first_root != second_root) return ConsistencyWrong(first, second, "two roots of one size");
    return absl::OkStatus();
  }
  Digest earlier = first_root;
  if (!std::has_single_bit(
          first)) {  // otherwise the earlier log is one complete subtree: its root begins the path
    if (proof.empty()) return ConsistencyWrong(first, second, "a proof too short");
    earlier = proof.front();
    proof.remove_prefix(1);
  }
  Digest later = earlier;
  Climb climb(first - 1, second - 1);
  climb.SkipRight();
  for (const Digest& sibling : proof) {
    if (climb.at_root()) return ConsistencyWrong(first, second, "a proof too long");
    if (climb.PassSibling()) {
      earlier = Parent(sibling, earlier);
      later = Parent(sibling, later);
    } else {
      later = Parent(later, sibling);
    }
  }
  if (!climb.at_root()) return ConsistencyWrong(first, second, "a proof too short");
  if (earlier != first_root) return ConsistencyWrong(first, second, "a path to another first root");
  if (later != second_root) return ConsistencyWrong(first, second, "a path to another second root");
  return absl::OkStatus();
}

}  // namespace sealfold
