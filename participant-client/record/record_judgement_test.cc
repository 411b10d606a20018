#include "participant-client/record/record_judgement.h"

#include <gtest/gtest.h>

#include "attest/testing/forge/forge_list.h"
#include "attest/x509/chain_cache.h"
#include "participant-client/testing/simulated_aggregator.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing_world::PublishedRound;
using testing_world::SimulatedAggregator;
using testing_world::World;

class RecordJudgementTest : public ::testing::Test {
 protected:
  PublishedRound Round1() { return Make(Round(1), std::nullopt); }
  PublishedRound Make(Round round, const std::optional<CheckedRecord>& previous) {
    SimulatedAggregator aggregator(world_, round, Attempt(1), 7, previous);
    std::vector<LogEntry> log;
    for (uint64_t i = 0; i < 3; ++i) {
      log.push_back({.plan = world_.plan.digest,
                     .round = round,
                     .attempt = Attempt(1),
                     .participant = world_.keys[i].public_key(),
                     .index = i,
                     .header = Sha256(AsBytes("header")),
                     .tags = Sha256(AsBytes("tags"))});
    }
    return Publish(world_, aggregator.binding(), aggregator.record_key(), log,
                   Sha256(AsBytes("a model")));
  }
  std::string Judge(const RecordFile& file) {
    return ErrorCode(
        JudgeRecord(EncodeRecordFile(file), world_.policy, std::nullopt).checks.status());
  }

  World world_;
};

TEST_F(RecordJudgementTest, AnHonestRecordPassesWheneverItIsLookedAt) {
  const RecordJudgement judged =
      JudgeRecord(Round1().bytes, world_.policy, world_.me().public_key());
  EXPECT_TRUE(judged.checks.passed()) << judged.checks.status();
  EXPECT_FALSE(judged.checks.caveat().empty());
  EXPECT_TRUE(judged.record.has_value());
}

TEST_F(RecordJudgementTest, TheEvidenceMustBeForThisRecordAndBinding) {
  const PublishedRound honest = Round1();
  RecordFile file = honest.file;
  file.evidence = world_.Evidence(Sha256(AsBytes("another record")).span(),
                                  file.binding.digest().span(), {}, world_.measurement);
  EXPECT_EQ(Judge(file), "evidence_nonce");
  file = honest.file;
  file.evidence = world_.Evidence(Sha256(file.record).span(), Sha256(AsBytes("another")).span(), {},
                                  world_.measurement);
  EXPECT_EQ(Judge(file), "evidence_user_data");
  file.evidence = world_.Evidence(Sha256(file.record).span(), file.binding.digest().span(), {},
                                  Sha384(AsBytes("another program")));
  EXPECT_EQ(Judge(file), "evidence_registers");
  World other(2);
  file.evidence = other.Evidence(Sha256(file.record).span(), file.binding.digest().span(), {},
                                 world_.measurement);
  EXPECT_EQ(Judge(file), "evidence_chain");
  file = honest.file;
  file.platform = "aws-nitro";
  EXPECT_EQ(Judge(file), "record_platform");
}

TEST_F(RecordJudgementTest, ThePlanMustBeOneThatThePolicyAccepts) {
  const PublishedRound honest = Round1();
  world_.policy.coordinators = {world_.keys[1].public_key()};
  EXPECT_EQ(Judge(honest.file), "plan_coordinator");
  world_.policy.coordinators = {world_.coordinator.public_key()};
  world_.policy.plan.quorum_min = 4;
  EXPECT_EQ(Judge(honest.file), "plan_quorum");
}

TEST_F(RecordJudgementTest, ThePolicyMayNameWhoseRecordsItAccepts) {
  const PublishedRound honest = Round1();
  EXPECT_EQ(honest.checked.identity, world_.identity->public_key());
  world_.policy.identities = {world_.keys[0].public_key()};
  EXPECT_EQ(Judge(honest.file), "identity_not_accepted");
  world_.policy.identities.push_back(world_.identity->public_key());
  EXPECT_EQ(Judge(honest.file), "");
  world_.identity.reset();
  EXPECT_EQ(Judge(Round1().file), "identity_not_accepted");
  world_.policy.identities.clear();
  EXPECT_EQ(Judge(Round1().file), "");
}

// An accepted program that would pass for the aggregator of another, with all that it can sign
// itself and evidence for it.
TEST_F(RecordJudgementTest, AnIdentityCannotBeTakenFromAnothersRecord) {
  const PublishedRound honest = Round1();
  SimulatedAggregator other(world_, Round(1), Attempt(1), 8);
  RoundRecord record = OpenRecord(honest.file.record)->record;
  RecordFile file = honest.file;
  file.record = SignRecord(record, other.record_key());
  file.binding = other.binding();
  file.evidence = world_.Evidence(Sha256(file.record).span(), file.binding.digest().span(), {},
                                  world_.measurement);
  EXPECT_EQ(Judge(file), "identity_wrong");
  record.identity.reset();
  file.record = SignRecord(record, other.record_key());
  file.evidence = world_.Evidence(Sha256(file.record).span(), file.binding.digest().span(), {},
                                  world_.measurement);
  EXPECT_EQ(Judge(file), "");
}

TEST_F(RecordJudgementTest, AKeyThatTheEvidenceDoesNotNameCannotSign) {
  world_.identity.reset();
  RecordFile file = Round1().file;
  const RoundRecord record = OpenRecord(file.record)->record;
  file.record = SignRecord(record, world_.coordinator);
  EXPECT_EQ(Judge(file), "record_signer");
  // Naming it in the binding takes other evidence.
  file.binding.record_key = world_.coordinator.public_key();
  EXPECT_EQ(Judge(file), "evidence_nonce");
}

TEST_F(RecordJudgementTest, WhatIsKnownOfCertificatesOutweighsNoPolicy) {
  const Chain chain = Chain::Make(ListingChainSpec());
  RecordFile file = Round1().file;
  NitroDocument content = chain.Content();
  content.nonce = ToBytes(Sha256(file.record).span());
  content.user_data = ToBytes(file.binding.digest().span());
  file.evidence = chain.Sign(content);
  const Bytes bytes = EncodeRecordFile(file);
  Policy policy = world_.policy;
  policy.evidence = chain.Policy();
  ChainCache chains;
  uint64_t hits = 0;
  const auto judge = [&] {
    hits = chains.hits();
    return ErrorCode(JudgeRecord(bytes, policy, std::nullopt, &chains).checks.status());
  };
  EXPECT_EQ(judge(), "");
  EXPECT_EQ(chains.hits(), 0u);
  EXPECT_EQ(judge(), "");
  EXPECT_GT(chains.hits(), hits);
  policy.evidence.revocation = std::make_shared<const RevocationLists>(RevocationLists{
      .lists = ParseLists({ForgeList({.revoked = {chain.leaf}}, chain.intermediates.back(),
                                     chain.issuer_keys.back().get())})});
  EXPECT_EQ(judge(), "evidence_revocation");
  EXPECT_GT(chains.hits(), hits);
  policy.evidence.revocation = nullptr;
  policy.evidence.reference_values[0].registers[0] = Bytes(48, 0x22);
  EXPECT_EQ(judge(), "evidence_registers");
  EXPECT_GT(chains.hits(), hits);
  policy.evidence.root_pem = world_.policy.evidence.root_pem;
  EXPECT_EQ(judge(), "evidence_chain");
}

TEST_F(RecordJudgementTest, EveryFlippedByteIsRefused) {
  const Bytes honest = Round1().bytes;
  for (size_t at = 3; at < honest.size(); at += 23) {
    Bytes bytes = honest;
    bytes[at] ^= 0x10;
    const RecordJudgement judged = JudgeRecord(bytes, world_.policy, std::nullopt);
    EXPECT_FALSE(judged.checks.passed()) << "byte " << at;
  }
  EXPECT_EQ(ErrorCode(JudgeRecord({}, world_.policy, std::nullopt).checks.status()).substr(0, 4),
            "cbor");
}

TEST_F(RecordJudgementTest, ChainsToWhatTheMemorySaw) {
  const PublishedRound first = Round1();
  Memory memory = world_.EmptyMemory();
  EXPECT_FALSE(PreviousOf(memory, world_.plan).has_value());
  ASSERT_TRUE(Remember(first.checked, memory).ok());
  const CheckedRecord previous = *PreviousOf(memory, world_.plan);
  EXPECT_EQ(previous.identity, world_.identity->public_key());

  CheckList good;
  CheckChain(&previous, Make(Round(2), first.checked).checked, good);
  EXPECT_TRUE(good.passed()) << good.status();

  CheckedRecord forked = first.checked;
  forked.digest = Sha256(AsBytes("a fork"));
  CheckList bad;
  CheckChain(&previous, Make(Round(2), forked).checked, bad);
  EXPECT_EQ(ErrorCode(bad.status()), "chain_previous");
  CheckList begins;
  CheckChain(nullptr, Make(Round(2), first.checked).checked, begins);
  EXPECT_EQ(ErrorCode(begins.status()), "chain_round");
}

}  // namespace
}  // namespace sealfold
