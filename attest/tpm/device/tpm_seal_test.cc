// Sealing by a real (software) TPM.
#include "attest/tpm/device/tpm_seal.h"

#include <gtest/gtest.h>

#include "attest/testing/devices/swtpm.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

Secret SecretOf(size_t size) {
  Secret secret(size);
  for (size_t i = 0; i < size; ++i) secret.mutable_span()[i] = static_cast<uint8_t>(i * 7 + 1);
  return secret;
}

TEST(TpmSealTest, ThisTpmGivesBackWhatItSealed) {
  Swtpm swtpm;
  const Esys esys = swtpm.Connect();
  for (const size_t size : {size_t{1}, size_t{32}, kTpmSecretSizeMax}) {
    const Secret secret = SecretOf(size);
    const absl::StatusOr<Bytes> sealed = SealByTpm(esys, secret);
    ASSERT_TRUE(sealed.ok()) << sealed.status();
    const absl::StatusOr<Secret> again = UnsealByTpm(esys, *sealed);
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_EQ(again->span(), secret.span());
  }
}

TEST(TpmSealTest, AnotherTpmDoesNot) {
  Swtpm first;
  const Bytes sealed = SealByTpm(first.Connect(), SecretOf(32)).value();
  Swtpm second;
  EXPECT_EQ(ErrorCode(UnsealByTpm(second.Connect(), sealed).status()), "tpm_seal_other");
}

TEST(TpmSealTest, DamageIsFound) {
  Swtpm swtpm;
  const Esys esys = swtpm.Connect();
  const Bytes sealed = SealByTpm(esys, SecretOf(32)).value();
  Bytes damaged = sealed;
  damaged[20] ^= 1;
  EXPECT_EQ(ErrorCode(UnsealByTpm(esys, damaged).status()), "tpm_seal_other");
  damaged = sealed;
  damaged.push_back(0);
  EXPECT_EQ(ErrorCode(UnsealByTpm(esys, damaged).status()), "tpm_seal_malformed");
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(ErrorCode(UnsealByTpm(esys, ByteSpan(sealed).first(size)).status()),
              "tpm_seal_malformed");
  }
}

}  // namespace
}  // namespace sealfold
