// Verification as tests of what must be refused call it: without a cache and with caches that know
// as much as they ever will.
#ifndef SEALFOLD_ATTEST_TESTING_EVERY_WAY_H_
#define SEALFOLD_ATTEST_TESTING_EVERY_WAY_H_

#include "attest/verifier.h"

namespace sealfold {

// VerifyEvidence without a cache, with a fresh one, with the same again, and with one that this
// whole program shares, twice. Fails the test unless all verdicts are the same, check by check.
Verdict VerifyEveryWay(ByteSpan evidence, const EvidencePolicy& policy,
                       const EvidenceExpectation& expectation);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_EVERY_WAY_H_
