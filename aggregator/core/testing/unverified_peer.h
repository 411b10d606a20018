// For tests: an aggregator that a cascade takes at its word, where evidence is not what is tested.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_UNVERIFIED_PEER_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_UNVERIFIED_PEER_H_

#include "aggregator/core/cascade/peer.h"

namespace sealfold {

struct UnverifiedPeer {
  Binding binding;
  SealingPublicKey hpke_key;

  static UnverifiedPeer Of(const RoundTerms& terms, const RoundKeys& keys) {
    return {.binding = keys.MakeBinding(terms), .hpke_key = keys.hpke().public_key()};
  }
  VerifiedPeer AsIfVerified() const { return {binding, hpke_key}; }
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_UNVERIFIED_PEER_H_
