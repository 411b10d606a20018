// What the document in an aggregator's offer must carry, whoever asked: a participant, or another
// aggregator of a cascade.
#ifndef SEALFOLD_ATTEST_OFFER_EXPECTATION_H_
#define SEALFOLD_ATTEST_OFFER_EXPECTATION_H_

#include <cstdint>

#include "attest/verifier.h"
#include "protocol/message/message.h"

namespace sealfold {

// `nonce` was drawn for the hello that `offer` answers. Of a document for many hellos it is the
// batch's root that is signed, twice: as the document's nonce, and with its size and the binding in
// user_data. That `nonce` is in that batch is another question: CheckOfferedNonce.
EvidenceExpectation ExpectationOf(const Offer& offer, const SessionNonce& nonce, uint64_t now_ms);

// That a document for many hellos is for this one: CheckNoncePath's errors. OK for one that was
// made for a single hello.
absl::Status CheckOfferedNonce(const Offer& offer, const SessionNonce& nonce);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_OFFER_EXPECTATION_H_
