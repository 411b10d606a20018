// What settings make of a platform's attester, with a real (software) TPM where they are a TPM's.
#include "attest/connect/connect_attester.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/match.h"
#include "attest/connect/shared_attester.h"
#include "attest/nitrotpm/device/nitrotpm_attester.h"
#include "attest/testing/devices/swtpm.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_log.h"
#include "attest/tpm/device/tpm_keys.h"
#include "attest/tpm/tpm_evidence.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class ConnectAttesterTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, absl::string_view content) const {
    EXPECT_TRUE(WriteFileAtomic(folder_.Path(name), content).ok());
    return folder_.Path(name);
  }
  std::string Code() const { return ErrorCode(ConnectAttester(settings_).status()); }
  ParsedTpmEvidence Attested() const {
    absl::StatusOr<std::unique_ptr<Attester>> attester = ConnectAttester(settings_);
    SEALFOLD_CHECK(attester.ok());
    const absl::StatusOr<Bytes> evidence = (*attester)->Attest(Bytes{1}, {}, {});
    SEALFOLD_CHECK(evidence.ok());
    return ParseTpmEvidence(*evidence).value();
  }

  static void Keep(const Esys& esys, const TpmKey& key, uint32_t handle) {
    ESYS_TR persistent = ESYS_TR_NONE;
    ASSERT_EQ(Esys_EvictControl(esys.get(), ESYS_TR_RH_OWNER, key.handle.get(), ESYS_TR_PASSWORD,
                                ESYS_TR_NONE, ESYS_TR_NONE, handle, &persistent),
              TSS2_RC_SUCCESS);
    Esys_TR_Close(esys.get(), &persistent);
  }

  TempDir folder_;
  Swtpm swtpm_;
  AttesterSettings settings_{.platform = "tpm2", .device = swtpm_.conf()};
};

TEST_F(ConnectAttesterTest, LeftToItselfATpmQuotesAllOfSha256) {
  const ParsedTpmEvidence evidence = Attested();
  EXPECT_EQ(evidence.quote.bank, kTpmAlgSha256);
  EXPECT_EQ(evidence.quote.registers, 0x00ff'ffffu);
  EXPECT_TRUE(evidence.evidence.certificates.empty());
  EXPECT_FALSE(evidence.evidence.event_log.has_value());
}

TEST_F(ConnectAttesterTest, EverySettingShowsInTheEvidence) {
  const ForgedRoot root;
  const std::string pem = Write("root.pem", root.certificate.Pem());
  settings_.tpm_bank = "sha384";
  settings_.tpm_registers = {4, 7};
  settings_.tpm_certificates = {pem, pem};
  settings_.tpm_event_log = Write("log", AsText(BootLog().bytes()));
  const ParsedTpmEvidence evidence = Attested();
  EXPECT_EQ(evidence.quote.bank, kTpmAlgSha384);
  EXPECT_EQ(evidence.quote.registers, 0x90u);
  EXPECT_EQ(evidence.evidence.certificates,
            (std::vector<Bytes>{root.certificate.der(), root.certificate.der()}));
  EXPECT_EQ(evidence.evidence.event_log, BootLog().bytes());
}

TEST_F(ConnectAttesterTest, AKeyIsTakenFromItsHandle) {
  {
    const Esys esys = swtpm_.Connect();
    Keep(esys, CreateAttestationKey(esys, kTpmOwner).value(), 0x81010002);
  }
  swtpm_.Disconnect();
  settings_.tpm_key = "0x81010002";
  const ParsedTpmEvidence evidence = Attested();
  EXPECT_EQ(evidence.quote.qualified_signer, evidence.key.QualifiedName(kTpmOwner));
}

TEST_F(ConnectAttesterTest, WrongSettingsAreToldBeforeATpmIsAsked) {
  const AttesterSettings good = settings_;
  settings_.tpm_bank = "sha1";
  EXPECT_EQ(Code(), "tpm_settings");
  settings_ = good;
  settings_.tpm_registers = {24};
  EXPECT_EQ(Code(), "tpm_settings");
  settings_ = good;
  for (const char* handle : {"81010002", "0x80000001", "0x1", "key", "0x8101000200"}) {
    settings_.tpm_key = handle;
    EXPECT_EQ(Code(), "tpm_settings") << handle;
  }
  settings_ = good;
  settings_.tpm_certificates = {Write("none.pem", "x")};
  EXPECT_EQ(Code(), "certificate_malformed");
  settings_ = good;
  settings_.tpm_event_log = folder_.Path("nothing");
  EXPECT_EQ(Code(), "file_unusable");
  settings_ = good;
  settings_.platform = "aws-nitro";
  settings_.tpm_bank = "sha256";
  EXPECT_EQ(Code(), "tpm_settings") << "of another platform";
  settings_ = {.platform = "sgx"};
  EXPECT_EQ(Code(), "platform_unknown");
  // What it names is there.
  EXPECT_TRUE(absl::StrContains(ConnectAttester(settings_).status().message(),
                                "aws-nitro, aws-nitrotpm, tpm2"));
}

// A TPM with an endorsement key where AWS has it is taken for a NitroTPM until it is asked for a
// document: the vendor's command is one that a swtpm does not know.
TEST_F(ConnectAttesterTest, ANitroTpmIsAskedOverTheTpm) {
  {
    const Esys esys = swtpm_.Connect();
    Keep(esys, CreateEndorsementKey(esys, EndorsementKeyKind::kRsa2048).value(),
         kRsaEndorsementKeyHandle);
  }
  swtpm_.Disconnect();
  settings_.platform = "aws-nitrotpm";
  absl::StatusOr<std::unique_ptr<Attester>> attester = ConnectAttester(settings_);
  ASSERT_TRUE(attester.ok()) << attester.status();
  EXPECT_EQ((*attester)->platform(), "aws-nitrotpm");
  EXPECT_EQ(ErrorCode((*attester)->Attest(Bytes{1}, {}, {}).status()), "tpm_device");
}

TEST_F(ConnectAttesterTest, OneConnectionServesSeveralThreads) {
  absl::StatusOr<std::unique_ptr<Attester>> attester = ConnectAttester(settings_);
  ASSERT_TRUE(attester.ok()) << attester.status();
  SharedAttester shared(*std::move(attester));
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (uint8_t i = 0; i < 4; ++i) {
    threads.emplace_back([own = shared, i, &good]() mutable {
      const absl::StatusOr<Bytes> evidence = own.Attest(Bytes{i}, {}, {});
      if (evidence.ok() && ParseTpmEvidence(*evidence)->evidence.nonce == Bytes{i}) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 4);
  EXPECT_EQ(shared.platform(), "tpm2");
}

}  // namespace
}  // namespace sealfold
