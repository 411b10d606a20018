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
  // What WhyRefused says; a '*' stands for what differs each time (keys, positions).
  std::string error = {};
  // Another case with the same defect in another place, or one that nobody could tell from this:
  // only then may the same error be said of both.
  std::string same_as = {};
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

// "" where the evidence passes. Where its form is refused, the error's code, what it is about,
// expected and found; else the first check that fails, expected and found.
std::string WhyRefused(ByteSpan evidence, const EvidencePolicy& policy);

// Whether `text` is `pattern`, in which each '*' stands for any text.
bool MatchesError(absl::string_view text, absl::string_view pattern);

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_BAD_EVIDENCE_BAD_EVIDENCE_H_
