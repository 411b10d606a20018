// Evidence with one thing wrong, and the error that each must be refused with.
#ifndef SEALFOLD_TESTS_BAD_EVIDENCE_BAD_EVIDENCE_H_
#define SEALFOLD_TESTS_BAD_EVIDENCE_BAD_EVIDENCE_H_

#include <string>
#include <vector>

#include "attest/verifier.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct BadCase {
  std::string name = {};  // a file's
  Bytes evidence = {};
  std::string error = {};  // what WhyRefused begins with
};

// One platform's: all under one trust, each like `good` but for the thing that its name says.
struct BadEvidence {
  std::string fuzz_target = {};  // whose seeds they are
  EvidencePolicy policy = {};    // accepts `good` at kForgeTime_ms with the nonce "nonce" (forge.h)
  Bytes good = {};
  std::vector<BadCase> cases = {};
};

// Keys, and so all bytes, are others each time. Documents of sealfold-softnsm, which are an
// enclave's in form; of a NitroTPM, under a root of our own; TPM quotes.
BadEvidence MakeBadNitro();
BadEvidence MakeBadNitroTpm();
BadEvidence MakeBadTpm();

// "" where the evidence passes. Where its form is refused, the error's code and what it is about;
// else the first check that fails, and what it found.
std::string WhyRefused(ByteSpan evidence, const EvidencePolicy& policy);

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_BAD_EVIDENCE_BAD_EVIDENCE_H_
