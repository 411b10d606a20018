#include "attest/testing/every_way.h"

#include <gtest/gtest.h>

#include "attest/x509/chain_cache.h"

namespace sealfold {
namespace {

void ExpectSame(const Verdict& expected, const Verdict& found, const char* cache) {
  ASSERT_EQ(expected.checks.size(), found.checks.size()) << cache;
  for (size_t i = 0; i < expected.checks.size(); ++i) {
    const Check& a = expected.checks[i];
    const Check& b = found.checks[i];
    EXPECT_TRUE(a.name == b.name && a.passed == b.passed)
        << cache << ": " << a.name << ", " << b.name;
    EXPECT_EQ(a.expected, b.expected) << cache << ": " << a.name;
    EXPECT_EQ(a.found, b.found) << cache << ": " << a.name;
  }
  EXPECT_EQ(expected.claims.registers, found.claims.registers) << cache;
}

}  // namespace

Verdict VerifyEveryWay(ByteSpan evidence, const EvidencePolicy& policy,
                       const EvidenceExpectation& expectation) {
  static ChainCache shared;
  ChainCache fresh;
  Verdict plain = VerifyEvidence(evidence, policy, expectation);
  for (const char* when : {"fresh cache", "the same again"}) {
    ExpectSame(plain, VerifyEvidence(evidence, policy, expectation, &fresh), when);
  }
  for (const char* when : {"shared cache", "shared cache again"}) {
    ExpectSame(plain, VerifyEvidence(evidence, policy, expectation, &shared), when);
  }
  return plain;
}

}  // namespace sealfold
