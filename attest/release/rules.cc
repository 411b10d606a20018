#include "attest/release/rules.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status BadRules(absl::string_view part, std::string expected, std::string found,
                      std::string advice) {
  return BadInput({.code = absl::StrCat("policy_release_", part),
                   .what = absl::StrCat("policy's releases, ", part),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

absl::Status NotAccepted(absl::string_view part, std::string expected, std::string found,
                         std::string advice) {
  return Refused({.code = absl::StrCat("release_", part),
                  .what = absl::StrCat("release, ", part),
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .advice = std::move(advice)});
}

}  // namespace

absl::Status CheckReleaseRules(const ReleaseRules& rules) {
  if (rules.subject.empty()) {
    return BadRules("subject", "a program's name", "none", "its builders sign other programs too");
  }
  const std::set<SigningPublicKey> distinct(rules.signers.begin(), rules.signers.end());
  if (distinct.empty() || distinct.size() != rules.signers.size() ||
      rules.signers.size() > kReleaseSignersMax || distinct.count(SigningPublicKey()) > 0) {
    return BadRules("signers", absl::StrCat("1 to ", kReleaseSignersMax, " keys, each once"),
                    distinct.empty()                          ? "none"
                    : distinct.size() != rules.signers.size() ? "one of them twice"
                                                              : "an all-zero key, or too many",
                    "one builder under two names would count twice");
  }
  if (rules.k == 0 || rules.k > rules.signers.size()) {
    return BadRules(
        "k", absl::StrCat("1 to ", rules.signers.size()), absl::StrCat(rules.k),
        rules.k == 0 ? "it would accept what nobody signed" : "it would accept nothing");
  }
  return absl::OkStatus();
}

absl::Status CheckRelease(const Release& release, const ReleaseRules& rules) {
  const ReleaseStatement& statement = release.statement;
  if (statement.subject != rules.subject) {
    return NotAccepted("subject", rules.subject, statement.subject, "");
  }
  const auto known = std::count_if(
      release.signers.begin(), release.signers.end(), [&rules](const SigningPublicKey& signer) {
        return std::count(rules.signers.begin(), rules.signers.end(), signer) > 0;
      });
  if (static_cast<uint64_t>(known) < rules.k) {
    return NotAccepted("signers", absl::StrCat(rules.k, " of the policy's ", rules.signers.size()),
                       absl::StrCat(known), "wait until more builders have built and signed it");
  }
  if (statement.version < rules.version_min) {
    return NotAccepted("version", absl::StrCat("version ", rules.version_min, " or later"),
                       absl::StrCat(statement.version), "it is older than one accepted before");
  }
  if (!rules.log_key.has_value()) return absl::OkStatus();
  return CheckLogged(release, *rules.log_key).status();
}

absl::StatusOr<std::vector<ReferenceValues>> ReleaseValues(const Release& release,
                                                           absl::string_view platform) {
  const ReleaseStatement& statement = release.statement;
  const Verifier* verifier = FindVerifier(platform);
  std::vector<ReferenceValues> sets;
  for (const PlatformValues& values : statement.platforms) {
    if (values.platform != platform) continue;
    // Values of one set are of one length.
    const size_t size = values.registers.front().value.size();
    if (verifier != nullptr && !absl::c_linear_search(verifier->register_rules().sizes, size)) {
      continue;
    }
    ReferenceValues set{.name = absl::StrCat(statement.subject, " version ", statement.version),
                        .release_version = statement.version};
    for (const RegisterValue& each : values.registers) set.registers[each.index] = each.value;
    sets.push_back(std::move(set));
  }
  if (!sets.empty()) return sets;
  return NotAccepted("platform", absl::StrCat("values for ", platform), "none",
                     "ask its builders to measure it for this platform");
}

EvidencePolicy WithRelease(const EvidencePolicy& policy, const std::optional<Bytes>& file,
                           absl::Status& why_not) {
  EvidencePolicy out = policy;
  if (policy.releases == nullptr || !file.has_value()) return out;
  const auto judge = [&]() -> absl::Status {
    SEALFOLD_ASSIGN_OR_RETURN(const Release release, OpenRelease(*file));
    SEALFOLD_RETURN_IF_ERROR(CheckRelease(release, *policy.releases));
    SEALFOLD_ASSIGN_OR_RETURN(const std::vector<ReferenceValues> values,
                              ReleaseValues(release, policy.platform));
    // What no policy may name spoils nothing that the policy has.
    EvidencePolicy more = policy;
    more.reference_values.insert(more.reference_values.end(), values.begin(), values.end());
    SEALFOLD_RETURN_IF_ERROR(CheckEvidencePolicy(more));
    out = std::move(more);
    return absl::OkStatus();
  };
  why_not = judge();
  return out;
}

uint64_t MatchedRelease(const EvidencePolicy& policy, const std::map<uint32_t, Bytes>& registers) {
  uint64_t latest = 0;
  for (const ReferenceValues& set : policy.reference_values) {
    if (!MatchesWholly(set, registers)) continue;
    if (set.release_version == 0) return 0;
    latest = std::max(latest, set.release_version);
  }
  return latest;
}

}  // namespace sealfold
