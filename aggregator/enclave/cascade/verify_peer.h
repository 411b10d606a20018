// Who a partial sum is taken from and given to: the other aggregator's evidence, judged by the same
// verifiers as a participant's client judges by.
//
// Both sides draw a nonce, say hello with it, and get the offer that a participant would get. A
// root verifies each leaf before it opens what that leaf signed, a leaf verifies the root before it
// seals anything to it: by the same two calls.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_VERIFY_PEER_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_VERIFY_PEER_H_

#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "aggregator/core/cascade/peer.h"
#include "attest/verifier.h"
#include "protocol/message/message.h"

namespace sealfold {

// What only the program that this one is satisfies: made by OwnProgramOnly and nothing else, so
// that no wider policy ever judges a peer.
class OwnProgram {
 public:
  const EvidencePolicy& policy() const { return policy_; }

 private:
  friend absl::StatusOr<OwnProgram> OwnProgramOnly(const EvidencePolicy&, const Offer&,
                                                   const SessionNonce&, uint64_t);
  explicit OwnProgram(EvidencePolicy policy) : policy_(std::move(policy)) {}

  EvidencePolicy policy_;
};

// `policy` with our own measurements as its only reference values, and no signed releases: who
// satisfies it is the same program as this one. They are the values of all sets that our own
// evidence matches, and of the registers that are set wherever the platform measures anything: a
// set may name no more than who signed a program. `own` is an offer of our own with evidence for
// `nonce`. `policy` comes with the program, never from the host; its sets name only registers that
// are the same on every machine. Errors are those of the evidence, as VerifyPeer has them, and
//   "own_program_unmeasured"   InvalidArgument: the platform has no such register (tpm2), and no
//                              set that matches names pcr4, not zero
absl::StatusOr<OwnProgram> OwnProgramOnly(const EvidencePolicy& policy, const Offer& own,
                                          const SessionNonce& nonce, uint64_t now_ms);

// What a peer is judged by. Nothing is owned.
struct PeerTerms {
  const RoundTerms& terms;
  const RoundKeys& keys;
  const OwnProgram& program;
  ChainCache* chains = nullptr;  // what is known of certificates, if anything is kept
};

// The aggregator that made `offer`, once all of it holds; a pure function. `nonce` was drawn for
// this peer and is used for this call alone; `now_ms` is since 1970, UTC. What the offer says of
// releases and identities is not looked at. Errors, the first that there is:
//   "peer_platform"    evidence of another platform than ours
//   "nonce_not_in_batch"
//   "evidence_*"       the verdict's first failure: among others evidence_registers for another
//                      program, evidence_nonce and evidence_freshness for an old document,
//                      evidence_public_key and evidence_user_data for keys that are not in it
//   "peer_differs", "peer_is_self"   as CheckPeer has them
absl::StatusOr<VerifiedPeer> VerifyPeer(const PeerTerms& terms, const Offer& offer,
                                        const SessionNonce& nonce, uint64_t now_ms);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_VERIFY_PEER_H_
