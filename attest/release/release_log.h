// The file of who keeps a transparency log of releases: the leaf hashes, oldest first.
#ifndef SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_
#define SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_

#include <vector>

#include "absl/status/statusor.h"
#include "attest/release/release.h"

namespace sealfold {

struct ReleaseLog {
  static constexpr char kType[] = "release-log";
  std::vector<Digest> leaves = {};

  template <class V>
  void Fields(V& v) {
    v("leaves", leaves);
  }
};

inline constexpr size_t kReleaseLogSizeMax = 4u << 20;

// Adds the statement, unless the log has it; its proof under the log as it is then, signed by
// `key`.
LogInclusion AddToLog(const SigningKey& key, ByteSpan statement, ReleaseLog& log);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_RELEASE_RELEASE_LOG_H_
