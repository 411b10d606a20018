#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "attest/policy/evidence_policy_json.h"
#include "attest/program/log_options.h"
#include "attest/program/verb.h"
#include "attest/release/rules.h"
#include "attest/report/check_report.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/program/wall_clock.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

struct VerifyOptions {
  std::string evidence_path;
  std::string policy_path;
  std::string release_path;
  std::string time;
  bool any_age = false;
  std::string nonce;
  std::string user_data;
  std::string public_key;
  LogOptions logs;
};

absl::StatusOr<uint64_t> TimeMs(const std::string& text) {
  if (text.empty()) return WallMs();
  const std::optional<uint64_t> time_ms = ParseTimeMillis(text);
  if (time_ms.has_value()) return *time_ms;
  return BadInput({.code = "time_invalid",
                   .what = "--time",
                   .expected = "a time since 1970, such as 2026-06-01T12:00:00Z (RFC 3339)",
                   .found = text});
}

absl::StatusOr<std::optional<Bytes>> Hex(const std::string& option, const std::string& text) {
  if (text.empty()) return std::optional<Bytes>();
  SEALFOLD_ASSIGN_OR_RETURN(Bytes bytes, HexOption(option, text));
  return std::optional<Bytes>(std::move(bytes));
}

absl::StatusOr<EvidenceExpectation> Expectation(const VerifyOptions& options) {
  EvidenceExpectation expectation{.check_freshness = !options.any_age};
  SEALFOLD_ASSIGN_OR_RETURN(expectation.now_ms, TimeMs(options.time));
  SEALFOLD_ASSIGN_OR_RETURN(expectation.nonce, Hex("--nonce", options.nonce));
  SEALFOLD_ASSIGN_OR_RETURN(expectation.user_data, Hex("--user-data", options.user_data));
  SEALFOLD_ASSIGN_OR_RETURN(expectation.public_key, Hex("--public-key", options.public_key));
  return expectation;
}

// Of registers that are verified, so that a log can be held to them; nothing where no reference is
// named.
absl::StatusOr<std::optional<Field>> Differences(const VerifyOptions& options, ByteSpan evidence,
                                                 const Claims& claims) {
  if (options.logs.reference_log.empty() || claims.registers.empty()) {
    return std::optional<Field>();
  }
  SEALFOLD_ASSIGN_OR_RETURN(const ClaimedRegisters claimed, ReadClaimedRegisters(evidence));
  return DescribeLogs(options.logs, claimed.event_log, claims.registers);
}

// The policy, with the values of the release that came beside the evidence. `why_not` as
// WithRelease has it, and about which file.
absl::StatusOr<EvidencePolicy> Accepted(const VerifyOptions& options, absl::Status& why_not) {
  SEALFOLD_ASSIGN_OR_RETURN(EvidencePolicy policy, LoadEvidencePolicy(options.policy_path));
  if (options.release_path.empty()) {
    if (!policy.reference_values.empty()) return policy;
    return BadInput({.code = "release_missing",
                     .what = options.policy_path,
                     .expected = "a release file: the policy names builders, and no values",
                     .found = "none",
                     .advice = "give the one that came with the evidence: --release FILE"});
  }
  if (policy.releases == nullptr) {
    return BadInput({.code = "release_unexpected",
                     .what = "--release",
                     .expected = "a policy that names builders, under /evidence/releases",
                     .found = absl::StrCat("none in ", options.policy_path),
                     .advice = "leave it out, or name the builders whom you believe"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::string file,
                            ReadFile(options.release_path, kReleaseFileSizeMax));
  policy = WithRelease(policy, ToBytes(AsBytes(file)), why_not);
  if (!why_not.ok()) why_not = About(options.release_path, why_not);
  return policy;
}

// A release that the policy's rules refuse counts for nothing: it is why evidence is refused only
// where nothing else accepts the registers and they are what fails first. Then it is the first
// check, and this the verdict: a refusal, whatever the file is.
absl::Status Conclude(const absl::Status& why_not, Verdict& verdict) {
  const auto failed = std::find_if(verdict.checks.begin(), verdict.checks.end(),
                                   [](const Check& check) { return !check.passed; });
  if (why_not.ok() || failed == verdict.checks.end() || failed->name != "registers") {
    return verdict.status();
  }
  const Explanation why = Explain(why_not);
  verdict.checks.insert(verdict.checks.begin(),
                        {.name = "release_offered",
                         .expected = why.expected.empty() ? "a release file" : why.expected,
                         .found = why.found.empty() ? why.what : why.found});
  return Refused(why);
}

absl::Status Verify(const VerifyOptions& options, const Output& output) {
  absl::Status why_not;
  SEALFOLD_ASSIGN_OR_RETURN(const EvidencePolicy policy, Accepted(options, why_not));
  SEALFOLD_ASSIGN_OR_RETURN(const EvidenceExpectation expectation, Expectation(options));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string evidence,
                            ReadFile(options.evidence_path, kEvidenceBytesMax));
  Verdict verdict = VerifyEvidence(AsBytes(evidence), policy, expectation);
  absl::Status conclusion = Conclude(why_not, verdict);
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<Field> differences,
                            Differences(options, AsBytes(evidence), verdict.claims));
  nlohmann::ordered_json json = VerdictJson(verdict);
  if (differences.has_value()) json[differences->name] = differences->value;
  output.Json(JsonText(json));
  output.Line(output.Bold(options.evidence_path));
  PrintCheckTable(output, verdict.checks);
  if (differences.has_value()) {
    output.Line(absl::StrCat("  ", differences->name, ", ", differences->meaning));
    for (const auto& [name, text] : differences->value.items()) {
      output.Line(absl::StrCat("      ", name, " ", text.get<std::string>()));
    }
  }
  if (verdict.passed() && !expectation.nonce.has_value()) {
    output.Line(
        output.Warn("no --nonce was given: this may be a copy of evidence made for others"));
  }
  if (!verdict.caveat.empty()) output.Line(output.Warn(verdict.caveat));
  if (verdict.passed() && !why_not.ok()) {
    output.Line(output.Warn(absl::StrCat("the release counted for nothing: ", why_not.message())));
  }
  if (verdict.passed()) output.Line(output.Bold("accepted by the policy"));
  return conclusion;
}

}  // namespace

void AddVerify(CLI::App& app, Verb& called) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* verb = app.add_subcommand(
      "verify", "Judges evidence by a policy: every check, with what was expected and found");
  verb->add_option("evidence", options->evidence_path, "The attestation document")->required();
  verb->add_option("--policy", options->policy_path,
                   "An evidence policy, or a participant's policy (JSON)")
      ->required();
  verb->add_option("--release", options->release_path,
                   "The release file that came beside it, for a policy that names builders")
      ->check(NotEmpty());
  CLI::Option* time =
      verb->add_option("--time", options->time,
                       "Judge as of this time (RFC 3339); this machine's clock if left out")
          ->check(NotEmpty());
  verb->add_flag("--any-age", options->any_age,
                 "Evidence kept from earlier: certificates count at its own time, its age does not")
      ->excludes(time);
  verb->add_option("--nonce", options->nonce, "The nonce it must carry (hex)")->check(NotEmpty());
  verb->add_option("--user-data", options->user_data, "The user data it must carry (hex)")
      ->check(NotEmpty());
  verb->add_option("--public-key", options->public_key, "The public key it must carry (hex)")
      ->check(NotEmpty());
  options->logs.Add(*verb);
  verb->footer(
      "Exit code 0: every check passed; 3: one did not.\n\n"
      "Example:\n  sealfold-attest verify evidence.cose --policy policy.json --nonce 00112233");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Verify(*options, output); };
  });
}

}  // namespace sealfold
