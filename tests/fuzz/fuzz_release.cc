// Release files and transparency logs: whatever opens is well-formed and signed, its form is the
// only one, and no input satisfies a rule whose signers signed nothing. A fuzzer cannot sign, so
// the input is also taken as a statement that two builders signed and a log has.
#include <cstddef>
#include <cstdint>

#include "attest/release/release_log.h"
#include "attest/release/rules.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

SigningKey KeyOf(uint8_t byte) {
  Secret seed(SigningKey::kSeedSize);
  seed.mutable_span()[0] = byte;
  return SigningKey::FromSeed(seed);
}

void CheckOpened(const Release& release) {
  SEALFOLD_CHECK(!release.signers.empty() && release.statement.version > 0);
  SEALFOLD_CHECK(EncodeStatement(release.statement) == release.statement_bytes);
  SigningPublicKey nobody;
  nobody.mutable_span()[0] = 1;
  const ReleaseRules rules{.subject = release.statement.subject, .signers = {nobody}, .k = 1};
  SEALFOLD_CHECK(CheckReleaseRules(rules).ok());
  SEALFOLD_CHECK(ErrorCode(CheckRelease(release, rules)) == "release_signers");
  SEALFOLD_CHECK(!CheckLogged(release, nobody).ok());
}

absl::StatusOr<Release> Open(ByteSpan file) {
  absl::StatusOr<Release> release = OpenRelease(file);
  if (release.ok()) {
    CheckOpened(*release);
  } else {
    SEALFOLD_CHECK(release.status().code() == absl::StatusCode::kInvalidArgument ||
                   release.status().code() == absl::StatusCode::kPermissionDenied);
  }
  return release;
}

void OpenSigned(ByteSpan statement) {
  static const SigningKey north = KeyOf(1);
  static const SigningKey south = KeyOf(2);
  static const SigningKey log_key = KeyOf(3);
  ReleaseLog log{.key = log_key.public_key()};
  ReleaseFile file{
      .statements = {SignStatement(north, statement), SignStatement(south, statement)}};
  file.log = AddToLog(log_key, statement, log).value();
  const absl::StatusOr<Release> release = Open(cbor::EncodeFields(file));
  if (!release.ok()) return;
  ReleaseRules rules{.subject = release->statement.subject,
                     .signers = {north.public_key(), south.public_key()},
                     .k = 2,
                     .version_min = release->statement.version,
                     .log_key = log_key.public_key()};
  SEALFOLD_CHECK(CheckRelease(*release, rules).ok());
  for (const PlatformValues& each : release->statement.platforms) {
    const absl::StatusOr<std::vector<ReferenceValues>> sets =
        ReleaseValues(*release, each.platform);
    if (!sets.ok()) {  // none in a bank that evidence is in
      SEALFOLD_CHECK(ErrorCode(sets.status()) == "release_platform");
      continue;
    }
    SEALFOLD_CHECK(!sets->empty());
    for (const ReferenceValues& set : *sets) {
      SEALFOLD_CHECK(!set.registers.empty());
      SEALFOLD_CHECK(set.release_version == release->statement.version);
    }
  }
  if (rules.version_min < UINT64_MAX) {
    ++rules.version_min;
    SEALFOLD_CHECK(ErrorCode(CheckRelease(*release, rules)) == "release_version");
    --rules.version_min;
  }
  rules.log_key = north.public_key();
  SEALFOLD_CHECK(!CheckRelease(*release, rules).ok());
}

void AddToGivenLog(ByteSpan bytes) {
  absl::StatusOr<ReleaseLog> log = cbor::DecodeFields<ReleaseLog>(bytes);
  if (!log.ok()) return;
  SEALFOLD_CHECK(cbor::EncodeFields(*log) == ToBytes(bytes));
  const SigningKey key = KeyOf(3);
  if (log->key != key.public_key()) {
    SEALFOLD_CHECK(ErrorCode(AddToLog(key, Bytes{1}, *log).status()) == "release_log_key");
    log->key = key.public_key();
  }
  const Release release{.statement_bytes = {1}, .log = AddToLog(key, Bytes{1}, *log).value()};
  SEALFOLD_CHECK(CheckLogged(release, key.public_key()).ok());
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sealfold::ByteSpan bytes(data, size);
  sealfold::Open(bytes).status().IgnoreError();
  sealfold::OpenSigned(bytes);
  sealfold::AddToGivenLog(bytes);
  return 0;
}
