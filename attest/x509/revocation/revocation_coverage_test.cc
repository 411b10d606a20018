#include "attest/x509/revocation/revocation_coverage.h"

#include <gtest/gtest.h>

#include <memory>

#include "absl/strings/match.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge_list.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kAddress[] = "URI:http://lists.example.org/root.crl";

// As AWS's: authorities that publish lists, and one that the leaf's certificate names none of.
ChainSpec PublishingChainSpec() {
  ChainSpec spec = ListingChainSpec();
  spec.intermediates[0].crl_distribution_points = kAddress;
  return spec;
}

class RevocationCoverageTest : public ::testing::Test {
 protected:
  Bytes ListOf(size_t issuer, const ListSpec& spec = {}) const {
    return ForgeList(spec, issuer == 0 ? chain_.root : chain_.intermediates[issuer - 1],
                     chain_.issuer_keys[issuer].get());
  }
  Verdict Verify(ListDemand demand, const std::vector<Bytes>& lists) const {
    EvidencePolicy policy = chain_.Policy();
    policy.revocation = std::make_shared<const RevocationLists>(
        RevocationLists{.lists = ParseLists(lists), .demand = demand});
    return VerifyEveryWay(chain_.Document(), policy, ForgeExpectation());
  }
  std::string Found(ListDemand demand, const std::vector<Bytes>& lists) const {
    const Verdict verdict = Verify(demand, lists);
    EXPECT_TRUE(verdict.passed()) << verdict.status();
    return FindCheck(verdict, "revocation_coverage").found;
  }
  void ExpectRefused(ListDemand demand, const std::vector<Bytes>& lists,
                     const std::string& found) const {
    const Verdict verdict = Verify(demand, lists);
    EXPECT_EQ(CheckNames(verdict),
              "platform format chain certificate_time revocation !revocation_coverage");
    EXPECT_EQ(FindCheck(verdict, "revocation_coverage").found, found);
    EXPECT_EQ(ErrorCode(verdict.status()), "evidence_revocation_coverage");
    EXPECT_TRUE(absl::StrContains(Explain(verdict.status()).advice, "lists"));
    EXPECT_TRUE(verdict.claims.registers.empty());
  }

  Chain chain_ = Chain::Make(PublishingChainSpec());
};

TEST_F(RevocationCoverageTest, WhomListsAreAboutIsToldThoughNoneIsDemanded) {
  const Chain stranger = [] {
    ChainSpec spec = ListingChainSpec();
    spec.root.common_name = "a stranger";
    return Chain::Make(spec);
  }();
  const Bytes strange = ForgeList({}, stranger.root, stranger.issuer_keys[0].get());
  EXPECT_EQ(Found(ListDemand::kNone, {ListOf(0), ListOf(1)}),
            "lists of CN = test root and CN = test intermediate 0");
  EXPECT_EQ(Found(ListDemand::kNone, {ListOf(1), strange, strange}),
            "lists of CN = test intermediate 0; none of CN = test root; about nobody here: CN = a "
            "stranger");
  EXPECT_EQ(Found(ListDemand::kNone, {strange}),
            "none of CN = test root; none of CN = test intermediate 0, whose certificates name "
            "none; about nobody here: CN = a stranger");
  // Of the name, though not of the leaf's: it is nobody's issuer.
  const Bytes of_leaf = ForgeList({}, chain_.leaf, chain_.leaf_key.get());
  EXPECT_EQ(Found(ListDemand::kNone, {ListOf(0), of_leaf}),
            "lists of CN = test root; none of CN = test intermediate 0, whose certificates name "
            "none; about nobody here: CN = test leaf");
}

TEST_F(RevocationCoverageTest, AListIsDemandedOfWhomACertificateNamesOne) {
  EXPECT_EQ(Found(ListDemand::kPublished, {ListOf(0)}),
            "lists of CN = test root; none of CN = test intermediate 0, whose certificates name "
            "none");
  ExpectRefused(ListDemand::kPublished, {ListOf(1)},
                "lists of CN = test intermediate 0; none of CN = test root");
  ExpectRefused(ListDemand::kPublished, {},
                "none of CN = test root; none of CN = test intermediate 0, whose certificates name "
                "none");
  ChainSpec spec = PublishingChainSpec();
  spec.leaf.crl_distribution_points = kAddress;
  chain_ = Chain::Make(spec);
  ExpectRefused(ListDemand::kPublished, {ListOf(0)},
                "lists of CN = test root; none of CN = test intermediate 0");
  Found(ListDemand::kPublished, {ListOf(0), ListOf(1)});
}

// Nothing could be demanded of it: the demand would mean nothing.
TEST_F(RevocationCoverageTest, AChainThatNamesNoListIsRefusedWhereOneIsDemanded) {
  chain_ = Chain::Make(ListingChainSpec());
  for (const ListDemand demand : {ListDemand::kPublished, ListDemand::kEvery}) {
    ExpectRefused(demand, {},
                  "none of CN = test root and CN = test intermediate 0, whose certificates name "
                  "none");
  }
  Found(ListDemand::kEvery, {ListOf(0), ListOf(1)});
}

TEST_F(RevocationCoverageTest, AListIsDemandedOfEveryIssuer) {
  Found(ListDemand::kEvery, {ListOf(0), ListOf(1)});
  ExpectRefused(ListDemand::kEvery, {ListOf(0)},
                "lists of CN = test root; none of CN = test intermediate 0, whose certificates "
                "name none");
  ExpectRefused(ListDemand::kEvery, {ListOf(1)},
                "lists of CN = test intermediate 0; none of CN = test root");
}

// That a list is of the chain's issuer is its signature's word, not its name's.
TEST_F(RevocationCoverageTest, AListByAnotherKeyCoversNobody) {
  const Chain other = Chain::Make(PublishingChainSpec());
  const Verdict verdict =
      Verify(ListDemand::kPublished, {ForgeList({}, other.root, other.issuer_keys[0].get())});
  EXPECT_EQ(ErrorCode(verdict.status()), "evidence_revocation");
}

// Of AWS's own: the root and the region publish lists; the zone and the instance do not.
TEST_F(RevocationCoverageTest, AwsPublishesListsOfTheRootAndTheRegion) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.revocation = std::make_shared<const RevocationLists>(
      RevocationLists{.lists = ParseLists({ListOf(0)}), .demand = ListDemand::kPublished});
  const Verdict verdict =
      VerifyEveryWay(ReadDocument("nsm-2022-10.cose"), policy, {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict),
            "platform format chain certificate_time revocation !revocation_coverage");
  EXPECT_EQ(FindCheck(verdict, "revocation_coverage").found,
            "none of C = US, O = Amazon, OU = AWS, CN = aws.nitro-enclaves and C = US, O = Amazon, "
            "OU = AWS, CN = 2f442bd2442676f0.us-east-1.aws.nitro-enclaves; none of CN = "
            "aa7d944093e8ba36.zonal.us-east-1.aws.nitro-enclaves, OU = AWS, O = Amazon, C = US, ST "
            "= WA, L = Seattle and C = US, ST = Washington, L = Seattle, O = Amazon, OU = AWS, CN "
            "= i-020b6af9246d90e92.us-east-1.aws.nitro-enclaves, whose certificates name none; "
            "about nobody here: CN = test root");
}

}  // namespace
}  // namespace sealfold
