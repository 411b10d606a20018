// The file of who keeps a transparency log of releases: the key that signs its
// heads, and the leaf hashes, oldest first.
#ifndef SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_
#define SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_

#include <vector>

#include "absl/status/statusor.h"
#include "attest/release/release.h"

namespace sealfold {

struct ReleaseLog {
  static constexpr char kType[] = "release-log";
  SigningPublicKey key = {};
  std::vector<Digest> leaves = {};

  template <class V>
  void Fields(V& v) {
    v("key", key);
    v("leaves", leaves);
  }
};

inline constexpr size_t kReleaseLogSizeMax = 4u << 20;

// Adds the statement, unless the log has it; its proof under the log as it is then, signed by
// `key`. PermissionDenied, "release_log_key", and nothing is added, if that is not the log's.
absl::StatusOr<LogInclusion> AddToLog(const SigningKey& key, ByteSpan statement, ReleaseLog& log);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_
