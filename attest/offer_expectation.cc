#include "attest/offer_expectation.h"

#include "protocol/envelope/nonce_batch.h"

namespace sealfold {

EvidenceExpectation ExpectationOf(const Offer& offer, const SessionNonce& nonce, uint64_t now_ms) {
  const Digest binding = offer.binding.digest();
  EvidenceExpectation expected{.nonce = ToBytes(nonce.span()),
                               .user_data = ToBytes(binding.span()),
                               .public_key = ToBytes(offer.hpke_key.span()),
                               .now_ms = now_ms};
  if (!offer.batch.has_value()) return expected;
  const NonceBatch batch{.binding = binding, .root = offer.batch->root, .size = offer.batch->size};
  expected.nonce = ToBytes(batch.root.span());
  expected.user_data = ToBytes(batch.digest().span());
  return expected;
}

absl::Status CheckOfferedNonce(const Offer& offer, const SessionNonce& nonce) {
  return offer.batch.has_value() ? CheckNoncePath(nonce, *offer.batch) : absl::OkStatus();
}

}  // namespace sealfold
