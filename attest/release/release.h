// Reference values vouched for by those who built them: statements about a release, each signed by
// one builder (docs/PROTOCOL.md, "Releases").
#ifndef SEALFOLD_ATTEST_RELEASE_RELEASE_H_
#define SEALFOLD_ATTEST_RELEASE_RELEASE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

inline constexpr size_t kReleaseFileSizeMax = 1u << 20;
inline constexpr size_t kReleaseSignersMax = 64;

struct RegisterValue {
  uint32_t index = 0;
  Bytes value = {};

  template <class V>
  void Fields(V& v) {
    v("index", index);
    v("value", value);
  }
};

// What the subject measures where it runs, in one bank: all values are of the same length.
struct PlatformValues {
  std::string platform = {};
  std::vector<RegisterValue> registers = {};

  template <class V>
  void Fields(V& v) {
    v("platform", platform);
    v("registers", registers);
  }
};

// After in-toto's Statement: the subject by name and digests, and what is claimed of it.
struct ReleaseStatement {
  static constexpr char kType[] = "release-statement";
  std::string subject = {};  // e.g. "sealfold-aggregator"
  Digest sha256 = {};        // of the file
  Measurement sha384 = {};
  uint64_t version = 0;      // rises with every release of the subject; from 1
  std::string source = {};   // the revision it was built from
  std::string builder = {};  // who built it, in words
  // By name, and one platform's banks by their values' length; each once.
  std::vector<PlatformValues> platforms = {};

  template <class V>
  void Fields(V& v) {
    v("subject", subject);
    v("sha256", sha256);
    v("sha384", sha384);
    v("version", version);
    v("source", source);
    v("builder", builder);
    v("platforms", platforms);
  }
};

// The signed head of a transparency log of statements (protocol/log).
struct TreeHead {
  static constexpr char kType[] = "tree-head";
  uint64_t size = 0;
  Digest root = {};

  template <class V>
  void Fields(V& v) {
    v("size", size);
    v("root", root);
  }
};

// That a statement is in the log: leaf hash of its bytes, at `index`, under `head`.
struct LogInclusion {
  Bytes head = {};  // COSE_Sign1 of a TreeHead
  uint64_t index = 0;
  std::vector<Digest> path = {};

  template <class V>
  void Fields(V& v) {
    v("head", head);
    v("index", index);
    v("path", path);
  }
};

// One release as a file: one statement, signed by several.
struct ReleaseFile {
  static constexpr char kType[] = "release";
  std::vector<Bytes> statements =
      {};  // COSE_Sign1, all of the same payload, each of another signer
  std::optional<LogInclusion> log = {};

  template <class V>
  void Fields(V& v) {
    v("statements", statements);
    v("log", log);
  }
};

// `statement` as its signers sign it.
Bytes EncodeStatement(const ReleaseStatement& statement);
Bytes SignStatement(const SigningKey& key, ByteSpan statement);
Bytes SignTreeHead(const SigningKey& key, const TreeHead& head);

// A release file, opened: every signature in it holds, all are of the same statement and each is
// another signer's. Whom to believe is rules.h's question.
struct Release {
  ReleaseStatement statement = {};
  Bytes statement_bytes = {};
  std::vector<SigningPublicKey> signers = {};
  std::optional<LogInclusion> log = {};
};

// InvalidArgument, codes "release_malformed", "cbor_*", "field_*", "cose_malformed";
// PermissionDenied: "signature_wrong", "release_differs" where signers signed different statements,
// "release_signer_twice".
absl::StatusOr<Release> OpenRelease(ByteSpan file);

// The head of the log that `key` signs, once the release's statement is shown to be under it.
// PermissionDenied: "release_not_logged", "release_log_key", "signature_wrong",
// "inclusion_proof_wrong".
absl::StatusOr<TreeHead> CheckLogged(const Release& release, const SigningPublicKey& key);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_RELEASE_RELEASE_H_
