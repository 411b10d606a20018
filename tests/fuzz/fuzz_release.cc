// Release files: whatever opens is well-formed and signed, its form is the only one, and no input
// satisfies a rule whose signers signed nothing.
#include <cstddef>
#include <cstdint>

#include "attest/release/rules.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<Release> release = OpenRelease(ByteSpan(data, size));
  if (!release.ok()) {
    SEALFOLD_CHECK(release.status().code() == absl::StatusCode::kInvalidArgument ||
                   release.status().code() == absl::StatusCode::kPermissionDenied);
    return 0;
  }
  SEALFOLD_CHECK(!release->signers.empty() && release->statement.version > 0);
  SEALFOLD_CHECK(EncodeStatement(release->statement) == release->statement_bytes);
  SigningPublicKey nobody;
  nobody.mutable_span()[0] = 1;
  const ReleaseRules rules{.subject = release->statement.subject, .signers = {nobody}, .k = 1};
  SEALFOLD_CHECK(CheckReleaseRules(rules).ok());
  SEALFOLD_CHECK(ErrorCode(CheckRelease(*release, rules)) == "release_signers");
  SEALFOLD_CHECK(!CheckLogged(*release, nobody).ok());
  return 0;
}
