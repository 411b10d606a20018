// The other aggregator of a cascade: to a leaf the root that its sum goes to, to a root a leaf.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_

#include "absl/status/status.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/envelope/binding.h"

namespace sealfold {

// An aggregator whose evidence holds. Verifying it is the caller's (attest/): chain, signature and
// debug mode; a nonce drawn for it; measurements equal to our own, so that it is the same program;
// user_data = binding.digest(), public_key = hpke_key.
struct VerifiedPeer {
  Binding binding;
  SealingPublicKey hpke_key;
};

// That `peer` works at the same attempt under the same terms: "peer_differs", naming what does, and
// "peer_is_self" for one with the keys of this very aggregator.
absl::Status CheckPeer(const RoundTerms& terms, const RoundKeys& keys, const VerifiedPeer& peer);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_PEER_H_
