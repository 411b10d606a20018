// Asking an aggregator what it is, and judging the answer: everything that must hold before an
// update byte leaves.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_SESSION_ATTESTATION_H_
#define SEALFOLD_PARTICIPANT_CLIENT_SESSION_ATTESTATION_H_

#include <cstdint>
#include <optional>

#include "participant-client/memory/memory.h"
#include "participant-client/policy/check_list.h"
#include "participant-client/policy/policy.h"
#include "protocol/message/message.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// What an offer is judged by. The references outlive the use.
struct OfferTerms {
  const Policy& policy;
  const SignedPlan& plan;
  SigningPublicKey participant;
  const Memory& memory;
  std::optional<UpdateIdentity> update;  // none: only to learn whether the aggregator is trusted
  ChainCache* chains = nullptr;          // what is known of certificates, if anything is kept
};

struct OfferJudgement {
  // The plan against the policy, then "platform_offered", "nonce_path" (only where the document is
  // for the nonces of many sessions: that this one's is among them), the evidence's checks, the
  // binding's ("hpke_key", "protocol", "suite", "plan"), "identity", the memory's ("release" only
  // where the policy has signed releases). All are made, whatever fails.
  CheckList checks;
  // Whether the document is the platform's own, made for this nonce and binding. A failure of an
  // authentic offer is the aggregator's; otherwise the way here may have damaged or replayed it,
  // and asking anew can help.
  bool authentic = false;
  // Of the signed release that it matched; 0: none.
  uint64_t release_version = 0;
};

Message MakeHello(const OfferTerms& terms, const SessionNonce& nonce);

// A pure function. `nonce` was drawn for this session and sent in its hello; `now_ms` is since
// 1970, UTC.
OfferJudgement JudgeOffer(const OfferTerms& terms, const Offer& offer, const SessionNonce& nonce,
                          uint64_t now_ms);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_SESSION_ATTESTATION_H_
