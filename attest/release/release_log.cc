#include "attest/release/release_log.h"

#include <algorithm>

#include "protocol/base/error.h"
#include "protocol/log/merkle.h"

namespace sealfold {

absl::StatusOr<LogInclusion> AddToLog(const SigningKey& key, ByteSpan statement, ReleaseLog& log) {
  if (key.public_key() != log.key) {
    return Refused({.code = "release_log_key",
                    .what = "key of the log",
                    .expected = log.key.hex(),
                    .found = key.public_key().hex(),
                    .advice = "a log's heads are all signed by one key, which policies name"});
  }
  const Digest leaf = MerkleLeaf(statement);
  auto found = std::find(log.leaves.begin(), log.leaves.end(), leaf);
  const auto index = static_cast<uint64_t>(found - log.leaves.begin());
  if (found == log.leaves.end()) log.leaves.push_back(leaf);
  MerkleLog tree;
  for (const Digest& each : log.leaves) tree.Append(each);
  return LogInclusion{.head = SignTreeHead(key, {.size = tree.size(), .root = tree.Root()}),
                      .index = index,
                      .path = tree.InclusionProof(index, tree.size())};
}

}  // namespace sealfold
