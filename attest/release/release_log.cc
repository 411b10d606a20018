#include "attest/release/release_log.h"

#include <algorithm>

#include "protocol/log/merkle.h"

namespace sealfold {

LogInclusion AddToLog(const SigningKey& key, ByteSpan statement, ReleaseLog& log) {
  const Digest leaf = MerkleLeaf(statement);
  auto found = std::find(log.leaves.begin(), log.leaves.end(), leaf);
  const auto index = static_cast<uint64_t>(found - log.leaves.begin());
  if (found == log.leaves.end()) log.leaves.push_back(leaf);
  MerkleLog tree;
  for (const Digest& each : log.leaves) tree.Append(each);
  return {.head = SignTreeHead(key, {.size = tree.size(), .root = tree.Root()}),
          .index = index,
          .path = tree.InclusionProof(index, tree.size())};
}

}  // namespace sealfold
