#include "aggregator/enclave/cascade/verify_peer.h"

#include <utility>

#include "attest/claims_check.h"
#include "attest/offer_expectation.h"
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

}  // namespace

absl::StatusOr<EvidencePolicy> OwnProgramOnly(const EvidencePolicy& policy, const Offer& own,
                                              const SessionNonce& nonce, uint64_t now_ms) {
  SEALFOLD_ASSIGN_OR_RETURN(const Claims claims, VerifyOffer(policy, own, nonce, now_ms, nullptr));
  EvidencePolicy out = policy;
  out.releases = nullptr;
  ReferenceValues ours{.name = "this program"};
  for (const ReferenceValues& set : policy.reference_values) {
    if (!MatchesWholly(set, claims.registers)) continue;
    ours.registers.insert(set.registers.begin(), set.registers.end());
  }
  out.reference_values = {std::move(ours)};
  return out;
}

absl::StatusOr<VerifiedPeer> VerifyPeer(const PeerTerms& terms, const Offer& offer,
                                        const SessionNonce& nonce, uint64_t now_ms) {
  SEALFOLD_RETURN_IF_ERROR(VerifyOffer(terms.policy, offer, nonce, now_ms, terms.chains).status());
  VerifiedPeer peer(offer.binding, offer.hpke_key);
  SEALFOLD_RETURN_IF_ERROR(CheckPeer(terms.terms, terms.keys, peer));
  return peer;
}

}  // namespace sealfold
