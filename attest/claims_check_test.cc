#include "attest/claims_check.h"

#include <gtest/gtest.h>

#include "attest/nitro/nitro_verifier.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'700'000'000'000;

Verdict CheckAt(uint64_t made_ms, uint64_t now_ms, uint64_t age_ms_max = 300'000) {
  Verdict verdict;
  verdict.claims = {.timestamp_ms = made_ms, .registers = {{0, Bytes(48, 7)}}};
  EvidencePolicy policy = NitroPolicy(Bytes(48, 7));
  policy.age_ms_max = age_ms_max;
  CheckClaims(kNsmRegisterRules, policy, {.now_ms = now_ms}, verdict);
  return verdict;
}

TEST(ClaimsCheckTest, FreshnessIsTheDocumentsTimeAgainstTheCallersClock) {
  EXPECT_TRUE(CheckAt(kNow_ms, kNow_ms).passed());
  EXPECT_TRUE(CheckAt(kNow_ms - 300'000, kNow_ms).passed());
  EXPECT_FALSE(CheckAt(kNow_ms - 300'001, kNow_ms).passed());
  EXPECT_TRUE(CheckAt(kNow_ms + 5'000, kNow_ms).passed());
  EXPECT_FALSE(CheckAt(kNow_ms + 5'001, kNow_ms).passed());
  // No wrapping at the ends.
  EXPECT_FALSE(CheckAt(1, UINT64_MAX).passed());
  EXPECT_FALSE(CheckAt(kNow_ms, 0).passed());
  EXPECT_TRUE(CheckAt(1, UINT64_MAX, UINT64_MAX).passed());
}

TEST(ClaimsCheckTest, FreshnessExplainsItself) {
  Check check = FindCheck(CheckAt(kNow_ms - 400'250, kNow_ms), "freshness");
  EXPECT_EQ(check.expected, "at most 300.000 s old and 5.000 s ahead of this clock");
  EXPECT_EQ(check.found, "made 2023-11-14T22:06:39.750Z, 400.250 s ago");
}

TEST(ClaimsCheckTest, FreshnessIsLeftOutForARecord) {
  Verdict verdict;
  verdict.claims = {.timestamp_ms = 1, .registers = {{0, Bytes(48, 7)}}};
  CheckClaims(kNsmRegisterRules, NitroPolicy(Bytes(48, 7)),
              {.now_ms = kNow_ms, .check_freshness = false}, verdict);
  EXPECT_EQ(CheckNames(verdict), "debug registers");
}

TEST(ClaimsCheckTest, WhatIsExpectedMustBeThereAndEqual) {
  const Bytes value = {1, 2, 3};
  struct Case {
    const char* name;
    std::optional<Bytes> EvidenceExpectation::*expected;
    std::optional<Bytes> Claims::*found;
  };
  for (const Case& c :
       {Case{"nonce", &EvidenceExpectation::nonce, &Claims::nonce},
        Case{"user_data", &EvidenceExpectation::user_data, &Claims::user_data},
        Case{"public_key", &EvidenceExpectation::public_key, &Claims::public_key}}) {
    for (const std::optional<Bytes>& found :
         {std::optional<Bytes>(value), std::optional<Bytes>(), std::optional<Bytes>(Bytes{}),
          std::optional<Bytes>(Bytes{1, 2, 4}), std::optional<Bytes>(Bytes{1, 2, 3, 0})}) {
      Verdict verdict;
      verdict.claims.registers[0] = Bytes(48, 7);
      verdict.claims.*c.found = found;
      EvidenceExpectation expectation{.check_freshness = false};
      expectation.*c.expected = value;
      CheckClaims(kNsmRegisterRules, NitroPolicy(Bytes(48, 7)), expectation, verdict);
      EXPECT_EQ(FindCheck(verdict, c.name).passed, found == value) << c.name;
      EXPECT_EQ(verdict.passed(), found == value);
      EXPECT_EQ(FindCheck(verdict, c.name).expected, "010203");
    }
  }
}

TEST(ClaimsCheckTest, AnEmptyExpectationIsNotNone) {
  Verdict verdict;
  verdict.claims.registers[0] = Bytes(48, 7);
  CheckClaims(kNsmRegisterRules, NitroPolicy(Bytes(48, 7)),
              {.nonce = Bytes{}, .check_freshness = false}, verdict);
  EXPECT_FALSE(FindCheck(verdict, "nonce").passed);
  EXPECT_EQ(FindCheck(verdict, "nonce").expected, "empty");
  EXPECT_EQ(FindCheck(verdict, "nonce").found, "none");
}

TEST(ClaimsCheckTest, ShortenedValuesThatLookAlikeAreToldApart) {
  Bytes expected(64, 9);
  Bytes found = expected;
  found[30] = 8;
  Verdict verdict;
  verdict.claims = {.registers = {{0, Bytes(48, 7)}}, .user_data = found};
  CheckClaims(kNsmRegisterRules, NitroPolicy(Bytes(48, 7)),
              {.user_data = expected, .check_freshness = false}, verdict);
  EXPECT_NE(FindCheck(verdict, "user_data").expected, FindCheck(verdict, "user_data").found);
}

TEST(ClaimsCheckTest, AnyOneSetMayMatchAndIsNamed) {
  EvidencePolicy policy = NitroPolicy(Bytes(48, 1));
  policy.reference_values.push_back({.name = "v2", .registers = {{0, Bytes(48, 7)}}});
  Verdict verdict;
  verdict.claims.registers[0] = Bytes(48, 7);
  CheckClaims(kNsmRegisterRules, policy, {.check_freshness = false}, verdict);
  EXPECT_TRUE(verdict.passed());
  EXPECT_EQ(FindCheck(verdict, "registers").expected, "reference values 'v2'");
  EXPECT_EQ(FindCheck(verdict, "registers").found,
            "pcr0 = 070707070707070707070707...07070707 (48 bytes)");
}

TEST(ClaimsCheckTest, TheNearestSetsFirstDifferenceIsShown) {
  EvidencePolicy policy = NitroPolicy(Bytes(48, 1));
  policy.reference_values = {{.name = "far", .registers = {{0, Bytes(48, 1)}, {1, Bytes(48, 1)}}},
                             {.name = "near", .registers = {{0, Bytes(48, 7)}, {1, Bytes(48, 2)}}}};
  Verdict verdict;
  verdict.claims.registers = {{0, Bytes(48, 7)}, {1, Bytes(48, 3)}};
  CheckClaims(kNsmRegisterRules, policy, {.check_freshness = false}, verdict);
  Check check = FindCheck(verdict, "registers");
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.expected,
            "pcr1 = 020202020202020202020202...02020202 (48 bytes) (reference values 'near'), the "
            "nearest of 2 sets");
  EXPECT_EQ(check.found, "pcr1 = 030303030303030303030303...03030303 (48 bytes)");
}

TEST(ClaimsCheckTest, AStatusExplainsTheFirstFailure) {
  Verdict verdict = CheckAt(1, kNow_ms);
  absl::Status status = verdict.status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ErrorCode(status), "evidence_freshness");
  EXPECT_EQ(Explain(status).found, FindCheck(verdict, "freshness").found);
  EXPECT_NE(Explain(status).advice, "");
}

}  // namespace
}  // namespace sealfold
