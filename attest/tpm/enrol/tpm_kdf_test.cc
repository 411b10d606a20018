#include "attest/tpm/enrol/tpm_kdf.h"

#include <gtest/gtest.h>

#include "attest/testing/forge/forge_tpm.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// OpenSSL reads such a key and fails only where it is used: that must not end the program.
TEST(TpmOaepEncryptTest, AKeyThatNothingCanBeEncryptedToIsRefused) {
  TpmPublic area = ForgedKey::Rsa(kTpmAlgRsaSsa).Parsed();
  const Bytes secret(32, 7);
  const auto encrypt = [&] {
    return TpmOaepEncrypt(area.Key()->get(), TpmHashMd(kTpmAlgSha256), "IDENTITY", secret);
  };
  const absl::StatusOr<Bytes> good = encrypt();
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->size(), area.modulus.size());
  area.modulus.back() ^= 1;
  EXPECT_EQ(ErrorCode(encrypt().status()), "tpm_key");
}

}  // namespace
}  // namespace sealfold
