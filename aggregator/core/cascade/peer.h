// The other aggregator of a cascade: to a leaf the root that its sum goes to, to a root a leaf.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/base/types.h"
#include "protocol/envelope/binding.h"

namespace sealfold {

struct Offer;      // protocol/message/message.h
struct PeerTerms;  // aggregator/enclave/cascade/verify_peer.h

// An aggregator whose evidence holds: chain, signature and debug mode; a nonce drawn for it;
// measurements equal to our own, so that it is the same program; user_data = binding().digest(),
// public_key = hpke_key(). Evidence is not core's to judge: only VerifyPeer, which does, makes one.
// Value type.
class VerifiedPeer {
 public:
  const Binding& binding() const { return binding_; }
  const SealingPublicKey& hpke_key() const { return hpke_key_; }

 private:
  friend absl::StatusOr<VerifiedPeer> VerifyPeer(const PeerTerms&, const Offer&,
                                                 const SessionNonce&, uint64_t);
  friend struct UnverifiedPeer;  // aggregator/core/testing/unverified_peer.h
  VerifiedPeer(const Binding& binding, const SealingPublicKey& hpke_key)
      : binding_(binding), hpke_key_(hpke_key) {}

  Binding binding_;
  SealingPublicKey hpke_key_;
};

// That `peer` works at the same attempt under the same terms: "peer_differs", naming what does, and
// "peer_is_self" for one with the keys of this very aggregator.
absl::Status CheckPeer(const RoundTerms& terms, const RoundKeys& keys, const VerifiedPeer& peer);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_
