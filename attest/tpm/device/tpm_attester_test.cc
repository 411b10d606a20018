// Evidence made by a real (software) TPM, judged by the verifier.
#include "attest/tpm/device/tpm_attester.h"

#include <gtest/gtest.h>

#include "attest/testing/devices/swtpm.h"
#include "attest/testing/vectors.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'780'272'000'000;
constexpr char kAllPassed[] =
    "platform format attestation_key chain signature quote qualifying_data freshness nonce "
    "user_data public_key registers";
const Bytes kNonce = {1, 2, 3};
const Bytes kUserData(32, 7);
const Bytes kPublicKey(1216, 8);  // an X-Wing key's size

class TpmAttesterTest : public testing::Test {
 protected:
  TpmAttesterTest() {
    const Esys esys = swtpm_.Connect();
    ExtendRegister(esys, 4, 0x44);
    ExtendRegister(esys, 7, 0x77);
  }
  TpmAttesterOptions Options(uint16_t bank = kTpmAlgSha256) const {
    return {.bank = bank, .now_ms = [] { return kNow_ms; }};
  }
  Bytes Attest(const TpmAttesterOptions& options) { return Attest(options, swtpm_); }
  static Bytes Attest(const TpmAttesterOptions& options, Swtpm& swtpm) {
    auto attester = MakeTpmAttester(swtpm.Connect(), options);
    EXPECT_TRUE(attester.ok()) << attester.status();
    EXPECT_EQ((*attester)->platform(), "tpm2");
    auto evidence = (*attester)->Attest(kNonce, kUserData, kPublicKey);
    EXPECT_TRUE(evidence.ok()) << evidence.status();
    return *evidence;
  }
  // What extending once with `byte` leads to.
  static Bytes Extended(uint16_t bank, uint8_t byte) {
    const size_t size = TpmHashSize(bank);
    return TpmHash(bank, {Bytes(size), Bytes(size, byte)});
  }
  static EvidencePolicy Policy(ByteSpan evidence, uint16_t bank = kTpmAlgSha256) {
    return {
        .platform = "tpm2",
        .attestation_keys = {ParseTpmEvidence(evidence)->key.Name()},
        .reference_values = {
            {.name = "boot", .registers = {{4, Extended(bank, 0x44)}, {7, Extended(bank, 0x77)}}}}};
  }
  static Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy) {
    return VerifyEvidence(
        evidence, policy,
        {.nonce = kNonce, .user_data = kUserData, .public_key = kPublicKey, .now_ms = kNow_ms});
  }

  Swtpm swtpm_;
};

TEST_F(TpmAttesterTest, ItsEvidencePassesInEitherBankAndHierarchy) {
  for (uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
    for (uint32_t hierarchy : {kTpmEndorsement, kTpmOwner}) {
      TpmAttesterOptions options = Options(bank);
      options.hierarchy = hierarchy;
      const Bytes evidence = Attest(options);
      const Verdict verdict = Verify(evidence, Policy(evidence, bank));
      EXPECT_EQ(CheckNames(verdict), kAllPassed);
      EXPECT_TRUE(verdict.passed()) << verdict.status();
      EXPECT_EQ(verdict.claims.registers.size(), 24u);
    }
  }
}

TEST_F(TpmAttesterTest, TheKeyIsTheSameEachTime) {
  const Bytes first = Attest(Options());
  const Bytes second = Attest(Options());
  EXPECT_EQ(ParseTpmEvidence(first)->key.Name(), ParseTpmEvidence(second)->key.Name());
  EXPECT_NE(first, second) << "the clock went on, and ECDSA draws";
  Swtpm other;
  EXPECT_NE(ParseTpmEvidence(Attest(Options(), other))->key.Name(),
            ParseTpmEvidence(first)->key.Name());
}

TEST_F(TpmAttesterTest, AnotherTpmOrAnotherBootIsRefused) {
  const Bytes good = Attest(Options());
  const EvidencePolicy policy = Policy(good);
  {
    const Esys esys = swtpm_.Connect();
    ExtendRegister(esys, 4, 0x45);
  }
  EXPECT_EQ(ErrorCode(Verify(Attest(Options()), policy).status()), "evidence_registers");
  Swtpm other;
  EXPECT_EQ(ErrorCode(Verify(Attest(Options(), other), policy).status()), "evidence_chain");
}

TEST_F(TpmAttesterTest, OnlyTheRegistersAskedForAreQuoted) {
  TpmAttesterOptions options = Options();
  options.registers = (1u << 4) | (1u << 7) | (1u << 16);
  const Bytes evidence = Attest(options);
  const Verdict verdict = Verify(evidence, Policy(evidence));
  EXPECT_TRUE(verdict.passed()) << verdict.status();
  EXPECT_EQ(verdict.claims.registers.size(), 3u);
}

// As tpm2_evictcontrol keeps a key.
class PersistentKeyTest : public TpmAttesterTest {
 protected:
  static constexpr uint32_t kHandle = 0x81010003;

  void Keep(const Esys& esys, const TpmKey& key) {
    ESYS_TR persistent = ESYS_TR_NONE;
    ASSERT_EQ(Esys_EvictControl(esys.get(), ESYS_TR_RH_OWNER, key.handle.get(), ESYS_TR_PASSWORD,
                                ESYS_TR_NONE, ESYS_TR_NONE, kHandle, &persistent),
              TSS2_RC_SUCCESS);
    Esys_TR_Close(esys.get(), &persistent);
  }
};

TEST_F(PersistentKeyTest, IsUsedWhereNamed) {
  {
    const Esys esys = swtpm_.Connect();
    Keep(esys, CreateAttestationKey(esys, kTpmEndorsement).value());
  }
  TpmAttesterOptions options = Options();
  options.persistent_handle = kHandle;
  const Bytes evidence = Attest(options);
  EXPECT_TRUE(Verify(evidence, Policy(evidence)).passed());
  EXPECT_EQ(ParseTpmEvidence(evidence)->key.Name(),
            ParseTpmEvidence(Attest(Options()))->key.Name());
}

TEST_F(PersistentKeyTest, OfAnotherKindIsRefused) {
  {
    const Esys esys = swtpm_.Connect();
    Keep(esys, CreateEndorsementKey(esys, EndorsementKeyKind::kEccP256).value());
  }
  TpmAttesterOptions options = Options();
  options.persistent_handle = kHandle;
  EXPECT_EQ(ErrorCode(MakeTpmAttester(swtpm_.Connect(), options).status()), "attestation_key");
  options.persistent_handle = kHandle + 1;
  EXPECT_EQ(ErrorCode(MakeTpmAttester(swtpm_.Connect(), options).status()), "tpm_device");
}

TEST(TpmAttesterConnectionTest, ItsOwnConnectionServes) {
  const Swtpm swtpm;
  auto attester = ConnectTpmAttester(swtpm.conf(), {.now_ms = [] { return kNow_ms; }});
  ASSERT_TRUE(attester.ok()) << attester.status();
  EXPECT_TRUE((*attester)->Attest(kNonce, {}, {}).ok());
}

TEST_F(TpmAttesterTest, AnUnreachableTpmIsAPeersError) {
  const auto attester = ConnectTpmAttester("swtpm:path=/nowhere/at/all", Options());
  EXPECT_EQ(ErrorCode(attester.status()), "tpm_device");
  EXPECT_EQ(attester.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace sealfold
