#include "aggregator/enclave/cascade/verify_peer.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attest/claims_check.h"
#include "attest/offer_expectation.h"
#include "attest/tpm/tpm_registers.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::StatusOr<Claims> VerifyOffer(const EvidencePolicy& policy, const Offer& offer,
                                   const SessionNonce& nonce, uint64_t now_ms, ChainCache* chains) {
  if (offer.platform != policy.platform) {
    return Refused({.code = "peer_platform",
                    .what = "platform of the other aggregator",
                    .expected = policy.platform,
                    .found = offer.platform.substr(0, 64),
                    .advice = "aggregators of one cascade run on one platform"});
  }
  SEALFOLD_RETURN_IF_ERROR(CheckOfferedNonce(offer, nonce));
  const Verdict verdict =
      VerifyEvidence(offer.evidence, policy, ExpectationOf(offer, nonce, now_ms), chains);
  SEALFOLD_RETURN_IF_ERROR(verdict.status());
  return verdict.claims;
}

// Whether one of `registers` measures the whole of what runs, not only who signed it or a part.
absl::Status CheckWhole(const RegisterRules& rules, const std::map<uint32_t, Bytes>& registers) {
  const uint32_t whole = rules.measured != 0 ? rules.measured : kTpmWholeRegisters;
  std::vector<std::string> named;
  for (const auto& [index, value] : registers) {
    if (InMask(whole, index) && !IsAllZero(value)) return absl::OkStatus();
    named.push_back(absl::StrCat("pcr", index));
  }
  return BadInput({.code = "own_program_unmeasured",
                   .what = "our own reference values, by which other aggregators are judged",
                   .expected = "a register that measures the whole program, such as pcr4",
                   .found = absl::StrJoin(named, ", "),
                   .advice = "name pcr4 in the sets of the policy that this program comes with"});
}

}  // namespace

absl::StatusOr<OwnProgram> OwnProgramOnly(const EvidencePolicy& policy, const Offer& own,
                                          const SessionNonce& nonce, uint64_t now_ms) {
  SEALFOLD_ASSIGN_OR_RETURN(const Claims claims, VerifyOffer(policy, own, nonce, now_ms, nullptr));
  const RegisterRules& rules = FindVerifier(policy.platform)->register_rules();
  ReferenceValues ours{.name = "this program"};
  for (const ReferenceValues& set : policy.reference_values) {
    if (!MatchesWholly(set, claims.registers)) continue;
    ours.registers.insert(set.registers.begin(), set.registers.end());
  }
  for (const auto& [index, value] : claims.registers) {
    if (InMask(rules.measured, index)) ours.registers[index] = value;
  }
  SEALFOLD_RETURN_IF_ERROR(CheckWhole(rules, ours.registers));
  EvidencePolicy out = policy;
  out.releases = nullptr;
  out.reference_values = {std::move(ours)};
  return OwnProgram(std::move(out));
}

absl::StatusOr<VerifiedPeer> VerifyPeer(const PeerTerms& terms, const Offer& offer,
                                        const SessionNonce& nonce, uint64_t now_ms) {
  SEALFOLD_RETURN_IF_ERROR(
      VerifyOffer(terms.program.policy(), offer, nonce, now_ms, terms.chains).status());
  VerifiedPeer peer(offer.binding, offer.hpke_key);
  SEALFOLD_RETURN_IF_ERROR(CheckPeer(terms.terms, terms.keys, peer));
  return peer;
}

}  // namespace sealfold
