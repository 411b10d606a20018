// TPM evidence: every check, and traps that verifiers of quotes fell into.
#include "attest/tpm/tpm_verifier.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_log.h"
#include "attest/testing/forge/forge_tpm.h"
#include "attest/testing/vectors.h"
#include "attest/tpm/log/event_log.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kAllPassed[] =
    "platform format attestation_key chain signature quote qualifying_data freshness nonce "
    "registers";

class TpmVerifierTest : public testing::Test {
 protected:
  Verdict Verify() const {
    return VerifyEvidence(EncodeTpmEvidence(evidence_), policy_, ForgeExpectation());
  }
  std::string Names() const { return CheckNames(Verify()); }
  // Signs again what the test changed.
  std::string NamesWith(const QuoteSpec& spec) {
    Requote(evidence_, key_, spec);
    return Names();
  }

  ForgedKey key_ = ForgedKey::Ecdsa();
  TpmEvidence evidence_ = ForgeTpmEvidence(key_);
  EvidencePolicy policy_ = ForgeTpmPolicy(key_);
};

TEST_F(TpmVerifierTest, GoodEvidencePasses) {
  const Verdict verdict = Verify();
  EXPECT_EQ(CheckNames(verdict), kAllPassed);
  EXPECT_TRUE(verdict.passed()) << verdict.status();
  EXPECT_EQ(verdict.caveat, kTpmCaveat);
  EXPECT_EQ(verdict.claims.platform, "tpm2");
  EXPECT_EQ(verdict.claims.timestamp_ms, kForgeTime_ms);
  EXPECT_EQ(
      verdict.claims.registers,
      (std::map<uint32_t, Bytes>{{4, Bytes(32, 0x44)}, {7, Bytes(32, 0x77)}, {12, Bytes(32)}}));
  ASSERT_TRUE(verdict.claims.tpm_clock.has_value());
  EXPECT_EQ(verdict.claims.tpm_clock->clock_ms, 123'456u);
  EXPECT_TRUE(verdict.claims.tpm_clock->safe);
  EXPECT_EQ(verdict.claims.tpm_clock->resets, 7u);
}

TEST_F(TpmVerifierTest, EverySchemeAndBankPasses) {
  const auto passes = [](const ForgedKey& key, uint16_t bank, uint32_t hierarchy) {
    const TpmEvidence evidence = ForgeTpmEvidence(key, {.hierarchy = hierarchy, .bank = bank});
    const Verdict verdict =
        VerifyEvidence(EncodeTpmEvidence(evidence), ForgeTpmPolicy(key, bank), ForgeExpectation());
    EXPECT_TRUE(verdict.passed()) << verdict.status();
  };
  passes(ForgedKey::Ecdsa(kTpmCurveP384, kTpmAlgSha384), kTpmAlgSha384, kTpmEndorsement);
  passes(ForgedKey::Ecdsa(), kTpmAlgSha384, kTpmOwner);
  passes(ForgedKey::Rsa(kTpmAlgRsaSsa), kTpmAlgSha256, kTpmOwner);
  passes(ForgedKey::Rsa(kTpmAlgRsaPss), kTpmAlgSha384, kTpmEndorsement);
}

TEST_F(TpmVerifierTest, WhatIsBoundCannotBeChanged) {
  for (std::optional<Bytes> TpmEvidence::*field :
       {&TpmEvidence::nonce, &TpmEvidence::user_data, &TpmEvidence::public_key}) {
    const TpmEvidence good = evidence_;
    evidence_.*field = Bytes{1};
    EXPECT_TRUE(absl::EndsWith(Names(), "!qualifying_data")) << Names();
    evidence_.*field = Bytes{};
    EXPECT_TRUE(absl::EndsWith(Names(), "!qualifying_data")) << "empty is not none";
    evidence_ = good;
  }
  evidence_.timestamp_ms += 1;
  EXPECT_TRUE(absl::EndsWith(Names(), "!qualifying_data"));
}

// A value that moves from one field to another would be the same to a hash without a form.
TEST_F(TpmVerifierTest, FieldsCannotBeSwapped) {
  evidence_.nonce = Bytes{1, 2};
  evidence_.user_data = Bytes{3};
  Requote(evidence_, key_);
  std::swap(evidence_.nonce, evidence_.user_data);
  EXPECT_TRUE(absl::EndsWith(Names(), "!qualifying_data"));
}

TEST_F(TpmVerifierTest, TheRawNonceAsExtraDataBindsNothing) {
  EXPECT_TRUE(absl::EndsWith(NamesWith({.extra_data = *evidence_.nonce}), "!qualifying_data"));
  EXPECT_TRUE(absl::EndsWith(NamesWith({.extra_data = Bytes{}}), "!qualifying_data"));
}

TEST_F(TpmVerifierTest, RegistersAreThoseQuoted) {
  evidence_.registers[0] = Bytes(32, 0x45);
  EXPECT_TRUE(absl::EndsWith(Names(), "signature !quote"));
  std::swap(evidence_.registers[0], evidence_.registers[1]);
  EXPECT_TRUE(absl::EndsWith(Names(), "!quote"));
  evidence_.registers.pop_back();
  EXPECT_EQ(Names(), "platform !format");
  // The same bytes cut otherwise hash to the same digest.
  evidence_ = ForgeTpmEvidence(key_);
  evidence_.registers[0].push_back(evidence_.registers[1].front());
  evidence_.registers[1].erase(evidence_.registers[1].begin());
  EXPECT_EQ(Names(), "platform !format");
}

// Registers 5 and 8 with the values of 4 and 7: the digest alone does not say whose they are.
TEST_F(TpmVerifierTest, TheSelectionSaysWhoseTheValuesAre) {
  EXPECT_TRUE(
      absl::EndsWith(NamesWith({.registers = (1u << 5) | (1u << 8) | (1u << 12)}), "!registers"));
}

TEST_F(TpmVerifierTest, ARegisterThatThePolicyNamesAndTheQuoteLacksFails) {
  policy_.reference_values[0].registers[9] = Bytes(32, 9);
  EXPECT_TRUE(absl::EndsWith(Names(), "!registers"));
}

TEST_F(TpmVerifierTest, AnotherBankIsNoMatch) {
  policy_.reference_values[0].registers[4] = Bytes(48, 0x44);
  EXPECT_TRUE(CheckEvidencePolicy(policy_).ok());
  EXPECT_TRUE(absl::EndsWith(Names(), "!registers"));
}

// Anything that a TPM signs but a quote, or that no TPM made of itself.
TEST_F(TpmVerifierTest, OtherStatementsAreNoQuotes) {
  EXPECT_EQ(NamesWith({.magic = 0xff544348}), "platform !format");
  EXPECT_EQ(NamesWith({.type = 0x8017}), "platform !format");
  EXPECT_EQ(NamesWith({}), kAllPassed);
}

TEST_F(TpmVerifierTest, AnUnrestrictedKeyProvesNothing) {
  key_.attributes &= ~kTpmRestricted;
  policy_ = ForgeTpmPolicy(key_);  // even where somebody named it
  EXPECT_EQ(NamesWith({}), "platform format !attestation_key");
  EXPECT_EQ(FindCheck(Verify(), "attestation_key").found, "no restricted");
}

// The attributes shown are those of the key that signed: its qualified name covers them.
TEST_F(TpmVerifierTest, AttributesCannotBeMadeUp) {
  ForgedKey shown = ForgedKey::Ecdsa();
  shown.key.reset(EVP_PKEY_dup(key_.key.get()));
  key_.attributes &= ~kTpmRestricted;
  Requote(evidence_, key_);
  evidence_.attestation_key = shown.Public();
  policy_ = ForgeTpmPolicy(shown);
  EXPECT_EQ(Names(), "platform format !attestation_key");
}

TEST_F(TpmVerifierTest, AKeyOfNoHierarchyIsRefused) {
  EXPECT_EQ(NamesWith({.hierarchy = 0x40000007}), "platform format !attestation_key") << "null";
}

TEST_F(TpmVerifierTest, AnotherKeyIsRefused) {
  const ForgedKey other = ForgedKey::Ecdsa();
  Requote(evidence_, other);
  EXPECT_EQ(Names(), "platform format attestation_key !chain");
  // Its signature under the accepted key's name.
  evidence_.attestation_key = key_.Public();
  EXPECT_EQ(Names(), "platform format !attestation_key");
  Requote(evidence_, key_);
  evidence_.signature = other.Sign(evidence_.attest);
  EXPECT_EQ(Names(), "platform format attestation_key chain !signature");
}

// A TPM has no time of day: a replayed quote is as good as a new one but for the nonce.
TEST_F(TpmVerifierTest, WithoutANonceNothingIsFresh) {
  for (const std::optional<Bytes>& nonce :
       {std::optional<Bytes>(), std::optional<Bytes>(Bytes{})}) {
    evidence_.nonce = nonce;
    Requote(evidence_, key_);
    const Verdict verdict = VerifyEvidence(EncodeTpmEvidence(evidence_), policy_,
                                           {.nonce = nonce, .now_ms = kForgeTime_ms});
    EXPECT_EQ(ErrorCode(verdict.status()), "evidence_nonce");
  }
  // A record's evidence is old, and looked at for what it says.
  EXPECT_TRUE(
      VerifyEvidence(EncodeTpmEvidence(evidence_), policy_, {.check_freshness = false}).passed());
}

TEST_F(TpmVerifierTest, StaleEvidenceIsRefused) {
  EvidenceExpectation expectation = ForgeExpectation();
  expectation.now_ms += policy_.age_ms_max + 1;
  EXPECT_EQ(ErrorCode(VerifyEvidence(EncodeTpmEvidence(evidence_), policy_, expectation).status()),
            "evidence_freshness");
}

TEST_F(TpmVerifierTest, AnEventLogMustLeadToTheQuote) {
  const auto replayed = ReplayEventLog(*ParseEventLog(BootLog().bytes(), kTpmAlgSha256));
  evidence_.registers = {replayed.at(4), replayed.at(7), Bytes(32)};
  policy_.reference_values[0].registers[4] = replayed.at(4);
  evidence_.event_log = BootLog().bytes();
  Requote(evidence_, key_);
  EXPECT_EQ(Names(), std::string(kAllPassed) + " event_log");
  evidence_.event_log = BootLog("\\EFI\\other.efi").bytes();
  EXPECT_EQ(Names(), std::string(kAllPassed) + " !event_log");
  EXPECT_TRUE(absl::StartsWith(FindCheck(Verify(), "event_log").found, "one that leads to pcr4"));
  evidence_.event_log = Bytes{1};
  EXPECT_EQ(Names(), std::string(kAllPassed) + " !event_log");
  // What the operating system extends later is in no firmware's log.
  evidence_.event_log = LogWriter(BootLog()).Event(12, 13, "earlier").bytes();
  EXPECT_EQ(Names(), std::string(kAllPassed) + " event_log");
}

TEST_F(TpmVerifierTest, AnEventLogLeavesNoSetRegisterOut) {
  const auto replayed = ReplayEventLog(*ParseEventLog(BootLog().bytes(), kTpmAlgSha256));
  const QuoteSpec spec = {.registers = (1u << 4) | (1u << 6) | (1u << 7)};
  evidence_.registers = {replayed.at(4), Bytes(32), replayed.at(7)};
  policy_.reference_values[0].registers = {{4, replayed.at(4)}};
  evidence_.event_log = BootLog().bytes();
  EXPECT_EQ(NamesWith(spec), std::string(kAllPassed) + " event_log");
  // A log without events, and one without those of a register.
  evidence_.event_log = LogWriter().bytes();
  EXPECT_EQ(NamesWith(spec), std::string(kAllPassed) + " !event_log");
  EXPECT_EQ(FindCheck(Verify(), "event_log").found, "one without an event for pcr4, which is set");
  LogWriter other;
  other.Event(7, 0x80000001, "SecureBoot");
  evidence_.event_log = other.bytes();
  EXPECT_EQ(NamesWith(spec), std::string(kAllPassed) + " !event_log");
  evidence_.event_log = BootLog().bytes();
  evidence_.registers[1] = Bytes(32, 6);
  EXPECT_EQ(NamesWith(spec), std::string(kAllPassed) + " !event_log");
  EXPECT_EQ(FindCheck(Verify(), "event_log").found, "one without an event for pcr6, which is set");
}

TEST_F(TpmVerifierTest, SizesAreBounded) {
  struct Bound {
    std::optional<Bytes> TpmEvidence::*field;
    size_t size_max;
  };
  for (const Bound& bound :
       {Bound{&TpmEvidence::nonce, 1024}, Bound{&TpmEvidence::user_data, 1024},
        Bound{&TpmEvidence::public_key, 4096}, Bound{&TpmEvidence::event_log, 1u << 18}}) {
    evidence_.*bound.field = Bytes(bound.size_max);
    EXPECT_TRUE(ParseTpmEvidence(EncodeTpmEvidence(evidence_)).ok());
    evidence_.*bound.field = Bytes(bound.size_max + 1);
    EXPECT_EQ(ErrorCode(ParseTpmEvidence(EncodeTpmEvidence(evidence_)).status()),
              "evidence_malformed");
    evidence_.*bound.field = std::nullopt;
  }
  evidence_.certificates.assign(9, Bytes(1));
  EXPECT_EQ(Names(), "platform !format");
  evidence_.certificates.assign(1, Bytes(4097));
  EXPECT_EQ(Names(), "platform !format");
  evidence_.certificates.clear();
  evidence_.timestamp_ms = 0;
  EXPECT_EQ(Names(), "platform !format");
  EXPECT_EQ(ErrorCode(ParseTpmEvidence(Bytes(kTpmEvidenceSizeMax + 1)).status()), "cbor_too_large");
}

TEST_F(TpmVerifierTest, EveryByteMattersAndEveryTruncationIsRefused) {
  Bytes bytes = EncodeTpmEvidence(evidence_);
  const auto passes = [&](ByteSpan given) {
    return VerifyEvidence(given, policy_, ForgeExpectation()).passed();
  };
  ASSERT_TRUE(passes(bytes));
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(passes(ByteSpan(bytes).first(i))) << i;
    for (uint8_t change : {0x01, 0x80}) {
      bytes[i] ^= change;
      EXPECT_FALSE(passes(bytes)) << i;
      bytes[i] ^= change;
    }
  }
  bytes.push_back(0);
  EXPECT_FALSE(passes(bytes));
}

TEST_F(TpmVerifierTest, PoliciesMustSayWhyAKeyIsBelieved) {
  EXPECT_TRUE(CheckEvidencePolicy(policy_).ok());
  policy_.attestation_keys.clear();
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_root_missing");
  EXPECT_EQ(CheckNames(TpmVerifier().Verify(EncodeTpmEvidence(evidence_), policy_,
                                            ForgeExpectation(), nullptr)),
            "platform format attestation_key !chain");
  for (const Bytes& name : {Bytes{}, Bytes(34), Bytes(33, 0x0b), Bytes{0x00, 0x0b}}) {
    policy_.attestation_keys = {name};
    EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_key_malformed");
  }
  policy_.attestation_keys.clear();
  policy_.root_pem = "no certificate";
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_root_malformed");
  policy_.root_pem = ReadTestData("attestation/aws-nitro-root-g1.pem");
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_root_unexpected");
  EvidencePolicy nitro = NitroTpmPolicy();
  nitro.attestation_keys = ForgeTpmPolicy(key_).attestation_keys;
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(nitro)), "policy_keys_unexpected");
}

}  // namespace
}  // namespace sealfold
