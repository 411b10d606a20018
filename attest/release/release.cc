#include "attest/release/release.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/log/merkle.h"
#include "protocol/message/state_message.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

constexpr char kStatementContext[] = "sealfold release statement 1";
constexpr char kHeadContext[] = "sealfold tree head 1";
static_assert(absl::string_view(ReleaseFile::kType) == kReleaseFileType);  // as hosts know it
constexpr size_t kTextMax = 256;
constexpr size_t kPlatformsMax = 16;
constexpr size_t kRegistersMax = 32;

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "release_malformed",
                   .what = absl::StrCat("release, ", what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

absl::Status CheckText(absl::string_view name, absl::string_view text) {
  const bool printable = IsUtf8(text) && !HasControlCharacter(text);
  if (!text.empty() && text.size() <= kTextMax && printable) return absl::OkStatus();
  return Malformed(std::string(name), absl::StrCat("1 to ", kTextMax, " printable bytes"),
                   absl::StrCat(text.size(), " bytes"));
}

// Of an entry with registers.
size_t BankBytes(const PlatformValues& values) { return values.registers.front().value.size(); }

absl::Status CheckPlatform(const PlatformValues& values) {
  SEALFOLD_RETURN_IF_ERROR(CheckText("platform", values.platform));
  if (values.registers.empty() || values.registers.size() > kRegistersMax) {
    return Malformed("registers", absl::StrCat("1 to ", kRegistersMax),
                     absl::StrCat(values.registers.size()));
  }
  for (size_t i = 0; i < values.registers.size(); ++i) {
    const RegisterValue& value = values.registers[i];
    if (i > 0 && values.registers[i - 1].index >= value.index) {
      return Malformed("registers", "each once, in their order", absl::StrCat("pcr", value.index));
    }
    if (value.index >= kRegistersMax || value.value.size() < 32 || value.value.size() > 64) {
      return Malformed(absl::StrCat("pcr", value.index), "an index below 32, 32 to 64 bytes",
                       absl::StrCat(value.value.size(), " bytes"));
    }
    if (value.value.size() != BankBytes(values)) {
      return Malformed(absl::StrCat("pcr", value.index),
                       absl::StrCat(BankBytes(values), " bytes, as the others of its bank"),
                       absl::StrCat(value.value.size(), " bytes"));
    }
  }
  return absl::OkStatus();
}

// Whether `next` may follow: another platform, or another bank of the same.
bool InOrder(const PlatformValues& values, const PlatformValues& next) {
  if (values.platform != next.platform) return values.platform < next.platform;
  return BankBytes(values) < BankBytes(next);
}

absl::Status CheckStatement(const ReleaseStatement& statement) {
  SEALFOLD_RETURN_IF_ERROR(CheckText("subject", statement.subject));
  SEALFOLD_RETURN_IF_ERROR(CheckText("source", statement.source));
  SEALFOLD_RETURN_IF_ERROR(CheckText("builder", statement.builder));
  if (statement.version == 0) return Malformed("version", "at least 1", "0");
  if (statement.platforms.empty() || statement.platforms.size() > kPlatformsMax) {
    return Malformed("platforms", absl::StrCat("1 to ", kPlatformsMax),
                     absl::StrCat(statement.platforms.size()));
  }
  for (size_t i = 0; i < statement.platforms.size(); ++i) {
    SEALFOLD_RETURN_IF_ERROR(CheckPlatform(statement.platforms[i]));
    if (i > 0 && !InOrder(statement.platforms[i - 1], statement.platforms[i])) {
      return Malformed("platforms", "each bank of each once, in their order",
                       statement.platforms[i].platform);
    }
  }
  return absl::OkStatus();
}

}  // namespace

Bytes EncodeStatement(const ReleaseStatement& statement) { return cbor::EncodeFields(statement); }

Bytes SignStatement(const SigningKey& key, ByteSpan statement) {
  return SignSign1(key, kStatementContext, statement);
}

Bytes SignTreeHead(const SigningKey& key, const TreeHead& head) {
  return SignSign1(key, kHeadContext, cbor::EncodeFields(head));
}

absl::StatusOr<Release> OpenRelease(ByteSpan bytes) {
  SEALFOLD_ASSIGN_OR_RETURN(ReleaseFile file, cbor::DecodeFields<ReleaseFile>(
                                                  bytes, {.size_bytes_max = kReleaseFileSizeMax}));
  if (file.statements.empty() || file.statements.size() > kReleaseSignersMax) {
    return Malformed("statements", absl::StrCat("1 to ", kReleaseSignersMax),
                     absl::StrCat(file.statements.size()));
  }
  Release release{.log = std::move(file.log)};
  for (const Bytes& statement : file.statements) {
    SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(statement, kStatementContext));
    if (release.signers.empty()) {
      release.statement_bytes = std::move(opened.payload);
    } else if (opened.payload != release.statement_bytes) {
      return Refused({.code = "release_differs",
                      .what = "release",
                      .expected = "the same statement by all its signers",
                      .found = absl::StrCat("another by ", opened.signer.hex()),
                      .advice = "ask the builders why their builds differ"});
    }
    if (std::count(release.signers.begin(), release.signers.end(), opened.signer) > 0) {
      return Refused({.code = "release_signer_twice",
                      .what = "release",
                      .expected = "one signature by each signer",
                      .found = absl::StrCat("two by ", opened.signer.hex())});
    }
    release.signers.push_back(opened.signer);
  }
  SEALFOLD_ASSIGN_OR_RETURN(release.statement,
                            cbor::DecodeFields<ReleaseStatement>(release.statement_bytes));
  SEALFOLD_RETURN_IF_ERROR(CheckStatement(release.statement));
  return release;
}

absl::StatusOr<TreeHead> CheckLogged(const Release& release, const SigningPublicKey& key) {
  if (!release.log.has_value()) {
    return Refused({.code = "release_not_logged",
                    .what = "release",
                    .expected = "a proof that it is in the transparency log",
                    .found = "none",
                    .advice = "ask whoever keeps the log to add it: sealfold-attest release log"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Sign1 opened, OpenSign1(release.log->head, kHeadContext));
  if (opened.signer != key) {
    return Refused({.code = "release_log_key",
                    .what = "transparency log's head",
                    .expected = absl::StrCat("one signed by ", key.hex()),
                    .found = opened.signer.hex(),
                    .advice = "take the release from the log that the policy names"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const TreeHead head, cbor::DecodeFields<TreeHead>(opened.payload));
  SEALFOLD_RETURN_IF_ERROR(VerifyInclusion(MerkleLeaf(release.statement_bytes), release.log->index,
                                           head.size, release.log->path, head.root));
  return head;
}

}  // namespace sealfold
