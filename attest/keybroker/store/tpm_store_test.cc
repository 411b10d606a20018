// A key store under a real (software) TPM.
#include "attest/keybroker/store/tpm_store.h"

#include <gtest/gtest.h>

#include "attest/testing/devices/swtpm.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

TEST(TpmStoreTest, OpensWithTheTpmThatSealedIt) {
  KeyStore store = KeyStore::Create({{.platform = "aws-nitro"}}).value();
  const KeyId id = store.AddKey("key", true, {}).value();
  Swtpm swtpm;
  const Esys esys = swtpm.Connect();
  const absl::StatusOr<Bytes> sealed = SealStoreByTpm(esys, store);
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  const absl::StatusOr<KeyStore> again = OpenStoreByTpm(esys, *sealed);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SecretOf(*again->FindKey(id)).span(), store.SecretOf(*store.FindKey(id)).span());
  Bytes damaged = *sealed;
  damaged.back() ^= 1;
  EXPECT_EQ(ErrorCode(OpenStoreByTpm(esys, damaged).status()), "store_key_wrong");
  Swtpm other;
  EXPECT_EQ(ErrorCode(OpenStoreByTpm(other.Connect(), *sealed).status()), "tpm_seal_other");
}

}  // namespace
}  // namespace sealfold
