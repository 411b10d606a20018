#include "attest/x509/revocation/revocation.h"

#include <gtest/gtest.h>
#include <openssl/obj_mac.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge_list.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

class RevocationTest : public ::testing::Test {
 protected:
  Bytes ListOfRoot(const ListSpec& spec) const {
    return ForgeList(spec, chain_.root, chain_.issuer_keys[0].get());
  }
  Bytes ListOfIntermediate(const ListSpec& spec) const {
    return ForgeList(spec, chain_.intermediates[0], chain_.issuer_keys[1].get());
  }
  std::shared_ptr<const RevocationLists> Lists(const std::vector<Bytes>& lists) const {
    return std::make_shared<const RevocationLists>(
        RevocationLists{.lists = ParseLists(lists), .accept_expired = accept_expired_});
  }
  Verdict Verify(const std::vector<Bytes>& lists) {
    policy_.revocation = lists.empty() ? nullptr : Lists(lists);
    EvidenceExpectation expectation = ForgeExpectation();
    expectation.now_ms = now_ms_;
    return VerifyEveryWay(chain_.Document(), policy_, expectation);
  }
  void ExpectRevoked(const std::vector<Bytes>& lists, absl::string_view found) {
    const Verdict verdict = Verify(lists);
    EXPECT_EQ(CheckNames(verdict), "platform format chain certificate_time !revocation");
    EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "revocation").found, found))
        << FindCheck(verdict, "revocation").found;
    EXPECT_EQ(ErrorCode(verdict.status()), "evidence_revocation");
    EXPECT_TRUE(absl::StrContains(Explain(verdict.status()).advice, "a newer one"));
    EXPECT_TRUE(verdict.claims.registers.empty());
  }
  void ExpectPassed(const std::vector<Bytes>& lists) {
    const Verdict verdict = Verify(lists);
    EXPECT_EQ(
        CheckNames(verdict),
        "platform format chain certificate_time revocation revocation_coverage signature debug "
        "freshness nonce registers");
  }

  const Chain chain_ = Chain::Make(ListingChainSpec());
  EvidencePolicy policy_ = chain_.Policy();
  bool accept_expired_ = false;
  uint64_t now_ms_ = kForgeTime_ms;
};

TEST_F(RevocationTest, WhatIsOnNoListPasses) {
  const Chain other = Chain::Make(ListingChainSpec());
  ExpectPassed({ListOfRoot({}), ListOfIntermediate({})});
  ExpectPassed({ListOfIntermediate({.revoked = {other.leaf, chain_.root}})});
  EXPECT_EQ(CheckNames(Verify({})),
            "platform format chain certificate_time signature debug freshness nonce registers");
}

TEST_F(RevocationTest, ARevokedLeafIsRefused) {
  // Though the document passed before, by caches that know it.
  EXPECT_TRUE(Verify({}).passed());
  const Bytes list = ListOfIntermediate({.revoked = {chain_.leaf}});
  ExpectRevoked({list}, "test leaf, on the list of CN = test intermediate 0");
  ExpectRevoked({ToBytes(AsBytes(ListPem(list)))}, "test leaf");
  ExpectRevoked({ListOfRoot({}), ListOfIntermediate({}), list}, "test leaf");
}

TEST_F(RevocationTest, ARevokedIntermediateIsRefused) {
  ExpectRevoked({ListOfRoot({.revoked = {chain_.intermediates[0]}})}, "test intermediate 0, on");
}

TEST_F(RevocationTest, WhatIsRevokedLaterThanTheDocumentIsRefusedToo) {
  now_ms_ += 60'000;
  ExpectRevoked(
      {ListOfIntermediate({.revoked = {chain_.leaf}, .this_update_s = kForgeTime_s + 60})},
      "test leaf");
}

TEST_F(RevocationTest, AListOfTheFutureIsRefused) {
  const int64_t skew_s = static_cast<int64_t>(policy_.skew_ms_max / 1000);
  ExpectPassed({ListOfIntermediate({.this_update_s = kForgeTime_s + skew_s})});
  const Bytes later = ListOfIntermediate({.this_update_s = kForgeTime_s + skew_s + 1});
  ExpectRevoked({later}, "one of the future, issued 2026-06-01T00:00:06Z");
  accept_expired_ = true;
  ExpectRevoked({later}, "one of the future");
  // Evidence kept from before the list was made.
  EvidenceExpectation expectation = ForgeExpectation();
  expectation.check_freshness = false;
  EXPECT_TRUE(VerifyEveryWay(chain_.Document(), policy_, expectation).passed());
}

TEST_F(RevocationTest, AListByAnotherKeyIsRefused) {
  const Chain other = Chain::Make(ListingChainSpec());
  // The other's authorities have the same names.
  ExpectRevoked({ForgeList({}, other.intermediates[0], other.issuer_keys[1].get())}, "another key");
  ExpectRevoked({ForgeList({}, chain_.intermediates[0], chain_.issuer_keys[0].get())},
                "another key");
  Bytes damaged = ListOfIntermediate({});
  damaged.back() ^= 1;
  ExpectRevoked({damaged}, "another key");
}

TEST_F(RevocationTest, AnIssuerThatMayNotSignListsSignsNone) {
  ChainSpec spec = ListingChainSpec();
  spec.intermediates[0].key_usage = "critical,keyCertSign";
  const Chain chain = Chain::Make(spec);
  policy_ = chain.Policy();
  policy_.revocation = Lists({ForgeList({}, chain.intermediates[0], chain.issuer_keys[1].get())});
  const Verdict verdict = VerifyEveryWay(chain.Document(), policy_, ForgeExpectation());
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "revocation").found, "cRLSign"));
  EXPECT_FALSE(verdict.passed());
}

TEST_F(RevocationTest, AnExpiredListIsRefusedUnlessThePolicyTakesIt) {
  const Bytes at_once = ListOfIntermediate({.next_update_s = kForgeTime_s});
  const Bytes none = ListOfIntermediate({.next_update_s = 0});
  ExpectRevoked({at_once}, "to be renewed by 2026-06-01T00:00:00Z");
  ExpectRevoked({none}, "without a time");
  ExpectPassed({ListOfIntermediate({.next_update_s = kForgeTime_s + 1})});
  accept_expired_ = true;
  ExpectPassed({at_once});
  ExpectPassed({none});
  ExpectRevoked({ListOfIntermediate({.revoked = {chain_.leaf}, .next_update_s = kForgeTime_s})},
                "test leaf");
}

// By the caller's clock where it is asked; by the document's own time for evidence kept from then.
TEST_F(RevocationTest, AListExpiresByTheClockThatFreshnessGoesBy) {
  policy_.revocation = Lists({ListOfIntermediate({.next_update_s = kForgeTime_s + 60})});
  EvidenceExpectation expectation = ForgeExpectation();
  expectation.now_ms += 60'000;
  EXPECT_FALSE(
      FindCheck(VerifyEveryWay(chain_.Document(), policy_, expectation), "revocation").passed);
  expectation.check_freshness = false;
  EXPECT_TRUE(VerifyEveryWay(chain_.Document(), policy_, expectation).passed());
}

TEST_F(RevocationTest, AListOfAStrangerSaysNothing) {
  ChainSpec spec = ListingChainSpec();
  spec.root.common_name = "a stranger";
  const Chain stranger = Chain::Make(spec);
  ExpectPassed({ForgeList({.revoked = {chain_.intermediates[0]}, .next_update_s = kForgeTime_s},
                          stranger.root, stranger.issuer_keys[0].get())});
}

TEST_F(RevocationTest, WhatIsNoListIsRefused) {
  const Bytes good = ListOfIntermediate({});
  Bytes longer = good;
  longer.push_back(0);
  const std::string pem = ListPem(good);
  for (const Bytes& bad :
       {Bytes(), Bytes{1, 2, 3}, longer, chain_.leaf.der(), ToBytes(ByteSpan(good).first(40)),
        ToBytes(AsBytes(pem + pem)), ToBytes(AsBytes(chain_.leaf.Pem())),
        Bytes(kRevocationListBytesMax + 1)}) {
    EXPECT_EQ(ErrorCode(RevocationList::Parse(bad).status()), "revocation_list_malformed");
  }
}

TEST_F(RevocationTest, ListsOfAKindThatSaysLessAreRefused) {
  const Bytes number = {0x02, 0x01, 0x01};
  const Bytes only_leaves = {0x30, 0x03, 0x81, 0x01, 0xff};
  const auto parse = [&](int nid, const Bytes& value, bool critical) {
    return ErrorCode(
        RevocationList::Parse(
            ListOfIntermediate({.extension_nid = nid, .extension = value, .critical = critical}))
            .status());
  };
  for (const bool critical : {true, false}) {
    EXPECT_EQ(parse(NID_delta_crl, number, critical), "revocation_list_kind");
    EXPECT_EQ(parse(NID_issuing_distribution_point, only_leaves, critical), "revocation_list_kind");
  }
  EXPECT_EQ(parse(NID_crl_number, number, true), "revocation_list_kind");
  EXPECT_EQ(parse(NID_crl_number, number, false), "");
}

}  // namespace
}  // namespace sealfold
