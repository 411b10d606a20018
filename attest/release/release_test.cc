#include "attest/release/release.h"

#include <gtest/gtest.h>

#include <random>

#include "attest/release/release_log.h"
#include "attest/release/rules.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_tpm.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

SigningKey Key(uint8_t n) { return SigningKey::FromSeed(testing::SeedOf(n)); }

ReleaseStatement Statement() {
  return {.subject = "sealfold-aggregator",
          .sha256 = Sha256(AsBytes("a build")),
          .sha384 = Sha384(AsBytes("a build")),
          .version = 7,
          .source = "v0.7.0",
          .builder = "a builder",
          .platforms = {{.platform = "aws-nitro",
                         .registers = {{.index = 0, .value = Bytes(48, 0x11)},
                                       {.index = 8, .value = Bytes(48, 0x22)}}},
                        {.platform = "sealfold-softnsm",
                         .registers = {{.index = 0, .value = Bytes(48, 0x33)}}}}};
}

class ReleaseTest : public ::testing::Test {
 protected:
  // A release file of Statement(), changed by `change`, signed by the keys of these numbers.
  Bytes File(const std::vector<uint8_t>& signers,
             const std::function<void(ReleaseStatement&)>& change = nullptr) {
    ReleaseStatement statement = Statement();
    if (change) change(statement);
    ReleaseFile file;
    for (const uint8_t n : signers) {
      file.statements.push_back(SignStatement(Key(n), EncodeStatement(statement)));
    }
    file.log = log;
    return cbor::EncodeFields(file);
  }
  // What ForgeTpmEvidence has of a TPM's registers, in a bank of values this long.
  static PlatformValues Bank(size_t bytes) {
    return {.platform = "tpm2",
            .registers = {{.index = 4, .value = Bytes(bytes, 0x44)},
                          {.index = 12, .value = Bytes(bytes, 0)}}};
  }
  static std::function<void(ReleaseStatement&)> With(const std::vector<PlatformValues>& more) {
    return [more](ReleaseStatement& s) {
      s.platforms.insert(s.platforms.end(), more.begin(), more.end());
    };
  }
  std::string OpenCode(const std::function<void(ReleaseStatement&)>& change) {
    return ErrorCode(OpenRelease(File({1}, change)).status());
  }
  std::string Judge(const Bytes& file) {
    SEALFOLD_CHECK(CheckReleaseRules(rules).ok());
    return ErrorCode(CheckRelease(*OpenRelease(file), rules));
  }
  std::string RulesCode(const std::function<void(ReleaseRules&)>& change) {
    ReleaseRules changed = rules;
    change(changed);
    return ErrorCode(CheckReleaseRules(changed));
  }

  ReleaseRules rules = {.subject = "sealfold-aggregator",
                        .signers = {Key(1).public_key(), Key(2).public_key(), Key(3).public_key()},
                        .k = 2};
  std::optional<LogInclusion> log;
};

TEST_F(ReleaseTest, KOfNSignersMakeReferenceValues) {
  EXPECT_EQ(Judge(File({1, 2})), "");
  EXPECT_EQ(Judge(File({3, 1})), "");
  EXPECT_EQ(Judge(File({1, 2, 3})), "");
  const absl::StatusOr<std::vector<ReferenceValues>> sets =
      ReleaseValues(*OpenRelease(File({1, 2})), "aws-nitro");
  ASSERT_TRUE(sets.ok()) << sets.status();
  ASSERT_EQ(sets->size(), 1u);
  EXPECT_EQ(sets->front().release_version, 7u);
  EXPECT_EQ(sets->front().registers.at(0), Bytes(48, 0x11));
  EXPECT_EQ(sets->front().registers.at(8), Bytes(48, 0x22));
  EXPECT_EQ(ErrorCode(ReleaseValues(*OpenRelease(File({1, 2})), "aws-nitrotpm").status()),
            "release_platform");
}

// Evidence of a TPM is in one of its banks: a release has a set for each.
TEST_F(ReleaseTest, APlatformHasASetForEachBank) {
  const absl::StatusOr<std::vector<ReferenceValues>> sets =
      ReleaseValues(*OpenRelease(File({1, 2}, With({Bank(32), Bank(48)}))), "tpm2");
  ASSERT_TRUE(sets.ok()) << sets.status();
  ASSERT_EQ(sets->size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*sets)[i].registers.at(4), Bytes(i == 0 ? 32 : 48, 0x44));
    EXPECT_EQ((*sets)[i].registers.size(), 2u);
    EXPECT_EQ((*sets)[i].release_version, 7u);
  }
  // One form only, and no register without a bank.
  EXPECT_EQ(OpenCode(With({Bank(48), Bank(32)})), "release_malformed");
  EXPECT_EQ(OpenCode(With({Bank(32), Bank(32)})), "release_malformed");
  PlatformValues mixed = Bank(32);
  mixed.registers[1].value = Bytes(48, 0);
  EXPECT_EQ(OpenCode(With({mixed})), "release_malformed");
}

// A policy may not name values of such a length: it would be refused for what its builders signed.
TEST_F(ReleaseTest, ABankThatNoEvidenceIsInCountsForNothing) {
  const auto sets = [&](const std::vector<PlatformValues>& released) {
    return ReleaseValues(*OpenRelease(File({1, 2}, With(released))), "tpm2");
  };
  const absl::StatusOr<std::vector<ReferenceValues>> known = sets({Bank(32), Bank(64)});
  ASSERT_TRUE(known.ok()) << known.status();
  ASSERT_EQ(known->size(), 1u);
  EXPECT_EQ((*known)[0].registers.at(4), Bytes(32, 0x44));
  EXPECT_EQ(ErrorCode(sets({Bank(64)}).status()), "release_platform");

  const ForgedKey key = ForgedKey::Ecdsa();
  EvidencePolicy policy = ForgeTpmPolicy(key);
  policy.releases = std::make_shared<const ReleaseRules>(rules);
  absl::Status why_not;
  const EvidencePolicy accepted = WithRelease(policy, File({1, 2}, With({Bank(64)})), why_not);
  EXPECT_EQ(ErrorCode(why_not), "release_platform");
  const Bytes evidence = EncodeTpmEvidence(ForgeTpmEvidence(key));
  EXPECT_TRUE(VerifyEvidence(evidence, accepted, ForgeExpectation()).passed());
}

TEST_F(ReleaseTest, EvidenceIsJudgedByTheBankThatItIsIn) {
  const ForgedKey key = ForgedKey::Ecdsa();
  EvidencePolicy policy = ForgeTpmPolicy(key);
  policy.reference_values.clear();
  policy.releases = std::make_shared<const ReleaseRules>(rules);
  const auto verdict = [&](uint16_t bank, const std::vector<PlatformValues>& released) {
    absl::Status why_not;
    const EvidencePolicy accepted = WithRelease(policy, File({1, 2}, With(released)), why_not);
    EXPECT_TRUE(why_not.ok()) << why_not;
    const Bytes evidence = EncodeTpmEvidence(ForgeTpmEvidence(key, {.bank = bank}));
    return ErrorCode(VerifyEvidence(evidence, accepted, ForgeExpectation()).status());
  };
  for (const uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
    const size_t bytes = bank == kTpmAlgSha256 ? 32 : 48;
    const size_t other = bank == kTpmAlgSha256 ? 48 : 32;
    EXPECT_EQ(verdict(bank, {Bank(32), Bank(48)}), "");
    EXPECT_EQ(verdict(bank, {Bank(bytes)}), "");
    EXPECT_EQ(verdict(bank, {Bank(other)}), "evidence_registers");
    // The other bank's values say nothing of this one's.
    std::vector<PlatformValues> wrong = {Bank(32), Bank(48)};
    wrong[bytes == 32 ? 0 : 1].registers[0].value[0] ^= 1;
    EXPECT_EQ(verdict(bank, wrong), "evidence_registers");
  }
}

// Values that no policy may name count for nothing, and evidence is judged as if they were not
// there.
TEST_F(ReleaseTest, ValuesThatNoPolicyMayNameSpoilNone) {
  const ForgedKey key = ForgedKey::Ecdsa();
  EvidencePolicy policy = ForgeTpmPolicy(key);
  policy.releases = std::make_shared<const ReleaseRules>(rules);
  PlatformValues resettable = Bank(32);
  resettable.registers.push_back({.index = 16, .value = Bytes(32, 1)});
  absl::Status why_not;
  const EvidencePolicy same = WithRelease(policy, File({1, 2}, With({resettable})), why_not);
  EXPECT_EQ(ErrorCode(why_not), "policy_register_resettable");
  const Bytes evidence = EncodeTpmEvidence(ForgeTpmEvidence(key));
  EXPECT_TRUE(VerifyEvidence(evidence, same, ForgeExpectation()).passed());
}

TEST_F(ReleaseTest, FewerAreNotEnoughWhoeverElseSigns) {
  EXPECT_EQ(Judge(File({1})), "release_signers");
  EXPECT_EQ(Judge(File({1, 9})), "release_signers");
  EXPECT_EQ(Judge(File({8, 9, 10})), "release_signers");
}

TEST_F(ReleaseTest, TheSameSignerTwiceIsNotTwo) {
  EXPECT_EQ(ErrorCode(OpenRelease(File({1, 1})).status()), "release_signer_twice");
}

TEST_F(ReleaseTest, SignersOfDifferentStatementsAreNotCountedTogether) {
  ReleaseFile file;
  ReleaseStatement other = Statement();
  other.platforms[0].registers[0].value = Bytes(48, 0x12);
  file.statements = {SignStatement(Key(1), EncodeStatement(Statement())),
                     SignStatement(Key(2), EncodeStatement(other))};
  EXPECT_EQ(ErrorCode(OpenRelease(cbor::EncodeFields(file)).status()), "release_differs");
}

TEST_F(ReleaseTest, AnOldVersionOrAnotherProgramIsRefused) {
  rules.version_min = 7;
  EXPECT_EQ(Judge(File({1, 2})), "");
  EXPECT_EQ(Judge(File({1, 2}, [](ReleaseStatement& s) { s.version = 6; })), "release_version");
  EXPECT_EQ(Judge(File({1, 2}, [](ReleaseStatement& s) { s.subject = "another"; })),
            "release_subject");
}

TEST_F(ReleaseTest, NoBitOfAFileMayChange) {
  const Bytes good = File({1, 2});
  std::mt19937_64 rng(20261127);
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes damaged = good;
    damaged[i] ^= static_cast<uint8_t>(1u << (rng() % 8));
    const absl::StatusOr<Release> release = OpenRelease(damaged);
    EXPECT_TRUE(!release.ok() || !CheckRelease(*release, rules).ok()) << i;
  }
}

// A statement signed for another use is none.
TEST_F(ReleaseTest, ASignatureOfAnotherContextIsRefused) {
  ReleaseFile file;
  file.statements = {SignSign1(Key(1), "sealfold plan 1", EncodeStatement(Statement()))};
  EXPECT_EQ(ErrorCode(OpenRelease(cbor::EncodeFields(file)).status()), "signature_wrong");
}

TEST_F(ReleaseTest, StatementsWithAnythingOddAreRefused) {
  EXPECT_EQ(OpenCode([](ReleaseStatement&) {}), "");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.version = 0; }), "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.subject = ""; }), "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.builder = "a\nb"; }), "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.builder = "\u009B2J"; }), "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.builder = "\u00F6"; }), "");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.source = std::string(257, 'a'); }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms.clear(); }), "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { std::swap(s.platforms[0], s.platforms[1]); }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms[1] = s.platforms[0]; }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms[0].registers.clear(); }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms[0].registers[1].index = 0; }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms[0].registers[1].index = 32; }),
            "release_malformed");
  EXPECT_EQ(OpenCode([](ReleaseStatement& s) { s.platforms[0].registers[1].value.resize(20); }),
            "release_malformed");
  EXPECT_EQ(ErrorCode(OpenRelease(File({})).status()), "release_malformed");
}

// What a policy could be made to accept by carelessness.
TEST_F(ReleaseTest, RulesThatAcceptTooMuchAreRefused) {
  EXPECT_EQ(RulesCode([](ReleaseRules&) {}), "");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.k = 0; }), "policy_release_k");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.k = 4; }), "policy_release_k");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.signers[1] = r.signers[0]; }),
            "policy_release_signers");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.signers[1] = SigningPublicKey(); }),
            "policy_release_signers");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.signers.clear(); }), "policy_release_signers");
  EXPECT_EQ(RulesCode([](ReleaseRules& r) { r.subject.clear(); }), "policy_release_subject");
}

TEST_F(ReleaseTest, ALogShowsThatItWasPublished) {
  rules.log_key = Key(20).public_key();
  EXPECT_EQ(Judge(File({1, 2})), "release_not_logged");
  MerkleLog entries;
  for (const char* other : {"a", "b", "c"}) entries.Append(MerkleLeaf(AsBytes(other)));
  const uint64_t index = entries.Append(MerkleLeaf(EncodeStatement(Statement())));
  entries.Append(MerkleLeaf(AsBytes("d")));
  const TreeHead head{.size = entries.size(), .root = entries.Root()};
  log = LogInclusion{.head = SignTreeHead(Key(20), head),
                     .index = index,
                     .path = entries.InclusionProof(index, entries.size())};
  EXPECT_EQ(Judge(File({1, 2})), "");
  EXPECT_EQ(CheckLogged(*OpenRelease(File({1, 2})), Key(20).public_key())->size, 5u);
  // Another release is not the one at that place.
  EXPECT_EQ(Judge(File({1, 2}, [](ReleaseStatement& s) { s.version = 8; })),
            "inclusion_proof_wrong");
  log->index = 2;
  EXPECT_EQ(Judge(File({1, 2})), "inclusion_proof_wrong");
  log->index = index;
  log->head = SignTreeHead(Key(21), head);
  EXPECT_EQ(Judge(File({1, 2})), "release_log_key");
  log->head.back() ^= 1;
  EXPECT_EQ(Judge(File({1, 2})), "signature_wrong");
}

TEST_F(ReleaseTest, EveryEntryOfALogIsShownToBeInIt) {
  ReleaseLog kept{.key = Key(20).public_key()};
  rules.log_key = Key(20).public_key();
  for (uint64_t version = 1; version <= 9; ++version) {
    ReleaseStatement statement = Statement();
    statement.version = version;
    log = AddToLog(Key(20), EncodeStatement(statement), kept).value();
    EXPECT_EQ(kept.leaves.size(), version);
    EXPECT_EQ(Judge(File({1, 2}, [&](ReleaseStatement& s) { s.version = version; })), "");
  }
  // Entered once; its proof is then of the log as it is now.
  log = AddToLog(Key(20), EncodeStatement(Statement()), kept).value();
  EXPECT_EQ(kept.leaves.size(), 9u);
  EXPECT_EQ(log->index, 6u);
  EXPECT_EQ(Judge(File({1, 2})), "");
  // By one key only, whether it has the statement or not.
  for (const char* statement : {"another", "one more"}) {
    EXPECT_EQ(ErrorCode(AddToLog(Key(21), AsBytes(statement), kept).status()), "release_log_key");
  }
  EXPECT_EQ(ErrorCode(AddToLog(Key(21), EncodeStatement(Statement()), kept).status()),
            "release_log_key");
  EXPECT_EQ(kept.leaves.size(), 9u);
}

TEST_F(ReleaseTest, TheReleaseThatEvidenceMatchesIsFound) {
  EvidencePolicy policy;
  policy.reference_values = {{.name = "5", .registers = {{0, {1}}}, .release_version = 5},
                             {.name = "7", .registers = {{0, {1}}, {1, {2}}}, .release_version = 7},
                             {.name = "own", .registers = {{0, {9}}}}};
  EXPECT_EQ(MatchedRelease(policy, {{0, {1}}, {1, {3}}}), 5u);
  EXPECT_EQ(MatchedRelease(policy, {{0, {1}}, {1, {2}}}), 7u);
  EXPECT_EQ(MatchedRelease(policy, {{0, {9}}}), 0u);
  EXPECT_EQ(MatchedRelease(policy, {{0, {8}}}), 0u);
}

}  // namespace
}  // namespace sealfold
