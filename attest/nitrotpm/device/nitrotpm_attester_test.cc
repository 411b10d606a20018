// A NitroTPM's document asked for over a real (software) TPM, to which a stand-in adds the one
// command; and the session that it goes under, against the TPM itself.
#include "attest/nitrotpm/device/nitrotpm_attester.h"

#include <gtest/gtest.h>

#include <utility>

#include "attest/claims_check.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/nitrotpm/device/nv_buffer.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/software/authority/document_writer.h"
#include "attest/testing/devices/nitrotpm_standin.h"
#include "attest/testing/devices/swtpm.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "attest/tpm/device/tpm_keys.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

FillBytes SystemRandom() {
  return [](MutableByteSpan out) { FillRandom(out); };
}

// As AWS provisions it.
void KeepEndorsementKey(const Esys& esys) {
  const TpmKey key = CreateEndorsementKey(esys, EndorsementKeyKind::kRsa2048).value();
  ESYS_TR persistent = ESYS_TR_NONE;
  SEALFOLD_CHECK(Esys_EvictControl(esys.get(), ESYS_TR_RH_OWNER, key.handle.get(), ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, ESYS_TR_NONE, kRsaEndorsementKeyHandle,
                                   &persistent) == TSS2_RC_SUCCESS);
  Esys_TR_Close(esys.get(), &persistent);
}

// TPM2_NV_Read takes the index twice as the vendor's command does, so a real TPM can judge the
// session.
class HmacSessionTest : public testing::Test {
 protected:
  HmacSessionTest() : esys_(swtpm_.Connect()) {
    KeepEndorsementKey(esys_);
    key_ = LoadKey(esys_, kRsaEndorsementKeyHandle).value();
    buffer_.emplace(NvBuffer::Define(esys_, 64, SystemRandom()).value());
    SEALFOLD_CHECK(buffer_->Write(Bytes{7, 8, 9}).ok());
    name_ = buffer_->Name().value();
    command_ = {.code = 0x14e,
                .handles = {buffer_->index(), buffer_->index()},
                .names = {name_, name_},
                .parameters = TpmWriter().U16(3).U16(0).bytes()};
  }
  absl::StatusOr<Bytes> Run(ByteSpan auth) {
    return RunUnderSession(esys_.tcti(),
                           {.handle = kRsaEndorsementKeyHandle, .public_area = key_.public_area},
                           command_, auth, SystemRandom());
  }

  Swtpm swtpm_;
  Esys esys_;
  TpmKey key_;
  std::optional<NvBuffer> buffer_;
  Bytes name_;
  SessionCommand command_;
};

TEST_F(HmacSessionTest, ARealTpmTakesIt) {
  for (int i = 0; i < 5; ++i) {  // more than a TPM has sessions at once, were they left behind
    auto answer = Run(buffer_->auth().span());
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(*answer, TpmWriter().Sized(Bytes{7, 8, 9}).bytes());
  }
}

TEST_F(HmacSessionTest, ARealTpmRefusesAnotherAuthorisationOrName) {
  const Bytes wrong(64, 1);
  EXPECT_EQ(ErrorCode(Run(wrong).status()), "tpm_device");
  command_.names[1].back() ^= 1;
  EXPECT_EQ(ErrorCode(Run(buffer_->auth().span()).status()), "tpm_device");
  command_.names[1] = name_;
  // Beyond the index: a failure that does not count as an attack on the authorisation.
  const Bytes good = std::exchange(command_.parameters, TpmWriter().U16(3).U16(1000).bytes());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ErrorCode(Run(buffer_->auth().span()).status()), "tpm_device");
  }
  command_.parameters = good;
  EXPECT_TRUE(Run(buffer_->auth().span()).ok()) << "sessions that failed are not left behind";
}

class NitroTpmAttesterTest : public testing::Test {
 protected:
  NitroTpmAttesterTest()
      : standin_(swtpm_.tcti(), [this](const NsmRequest& request) { return Answer(request); }) {
    KeepEndorsementKey(Esys::Borrow(standin_.tcti()).value());
  }

  Bytes Answer(const NsmRequest& request) {
    if (error_.has_value()) return EncodeNsmResponse(*error_);
    const auto& asked = std::get<NsmAttestationRequest>(request);
    NitroDocument content = chain_.Content();
    content.registers.clear();
    for (uint32_t i = 0; i < 24; ++i) content.registers[i] = Bytes(48, i == 4 ? 0x44 : 0);
    content.nonce = asked.nonce;
    content.user_data = asked.user_data;
    content.public_key = asked.public_key;
    return EncodeNsmResponse(NsmAttestationResponse{
        .document = WriteNitroDocument(content, chain_.leaf_key.get(), kNitroTpmDocument)});
  }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) {
    auto attester = MakeNitroTpmAttester(Esys::Borrow(standin_.tcti()).value(), standin_.random());
    EXPECT_EQ(attester->platform(), "aws-nitrotpm");
    return attester->Attest(nonce, user_data, public_key);
  }

  Chain chain_ = Chain::Make();
  std::optional<NsmError> error_;
  Swtpm swtpm_;
  NitroTpmStandin standin_;
};

TEST_F(NitroTpmAttesterTest, TheDocumentIsForWhatWasAsked) {
  const Bytes nonce(32, 1);
  const Bytes user_data(32, 2);
  const Bytes public_key(1024, 3);
  auto document = Attest(nonce, user_data, public_key);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(standin_.requests(), 1u);
  EXPECT_EQ(standin_.defined(), 0u) << "the NV index is undefined again";

  EvidencePolicy policy{.platform = "aws-nitrotpm",
                        .reference_values = {{.name = "i", .registers = {{4, Bytes(48, 0x44)}}}}};
  Verdict verdict;
  VerifyNitroDocument(
      *document, {kNitroTpmDocument, kNitroTpmRegisterRules}, chain_.root, policy,
      {.nonce = nonce, .user_data = user_data, .public_key = public_key, .now_ms = kForgeTime_ms},
      /*cache=*/nullptr, verdict);
  EXPECT_TRUE(verdict.passed()) << verdict.status();
}

TEST_F(NitroTpmAttesterTest, AnErrorIsAPeersError) {
  error_ = NsmError::kInvalidArgument;
  auto document = Attest(Bytes(32), {}, {});
  EXPECT_EQ(document.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Explain(document.status()).found, "error InvalidArgument");
  EXPECT_EQ(standin_.defined(), 0u);
}

TEST_F(NitroTpmAttesterTest, AForgedAnswerIsRefused) {
  standin_.BreakAnswers();
  EXPECT_EQ(ErrorCode(Attest(Bytes(32), {}, {}).status()), "tpm_device");
  EXPECT_EQ(standin_.defined(), 0u);
}

TEST_F(NitroTpmAttesterTest, ATpmThatDoesNotKnowTheCommandSaysSo) {
  const Swtpm plain;
  EXPECT_EQ(ErrorCode(ConnectNitroTpmAttester(plain.conf()).status()), "tpm_device")
      << "no endorsement key at its place";
}

}  // namespace
}  // namespace sealfold
