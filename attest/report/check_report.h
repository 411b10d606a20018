// How checks and verdicts look: a table for people, JSON for machines.
#ifndef SEALFOLD_ATTEST_REPORT_CHECK_REPORT_H_
#define SEALFOLD_ATTEST_REPORT_CHECK_REPORT_H_

#include <nlohmann/json.hpp>

#include "absl/types/span.h"
#include "attest/verifier.h"
#include "protocol/program/program.h"

namespace sealfold {

// [{"name", "expected", "found", "passed"}...]
nlohmann::json ChecksJson(absl::Span<const Check> checks);

// A line for each check; nothing in JSON mode.
void PrintCheckTable(const Output& output, absl::Span<const Check> checks);

// A verdict as an entity attestation result with the claim names of RFC 9711, where it has one:
// `iss` (the platform), `iat`, `eat_nonce` (base64url), `dbgstat`, `measres`. Of our own: `nonce`
// in the place of `eat_nonce` where it is not of 8 to 64 bytes, as that must be; `passed`,
// `checks`, `module_id`, `registers`, `user_data`, `public_key` (hex), `caveat`. Claims of the
// document stand there only where its signature holds.
nlohmann::ordered_json VerdictJson(const Verdict& verdict);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_REPORT_CHECK_REPORT_H_
