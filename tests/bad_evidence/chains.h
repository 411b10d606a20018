// Certificate chains with one thing wrong, all under one root.
#ifndef SEALFOLD_TESTS_BAD_EVIDENCE_CHAINS_H_
#define SEALFOLD_TESTS_BAD_EVIDENCE_CHAINS_H_

#include <functional>
#include <string>
#include <vector>

#include "attest/testing/forge/forge.h"

namespace sealfold {

struct BadChain {
  std::string name;
  std::string error;  // as WhyRefused
  std::function<void(ChainSpec&)> change;
};

// What is wrong with a chain of any platform's.
const std::vector<BadChain>& BadChains();

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_BAD_EVIDENCE_CHAINS_H_
