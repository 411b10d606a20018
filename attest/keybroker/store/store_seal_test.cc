#include "attest/keybroker/store/store_seal.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

Secret Filled(uint8_t byte, size_t size = kStoreKeySize) {
  return Secret::CopyOf(Bytes(size, byte));
}

TEST(StoreSealTest, UnderAKeyThatIsKeptElsewhere) {
  const Bytes kept = {1, 2, 3};
  const Bytes sealed = SealWithKey(Filled(7), kept, Filled(9, 100));
  EXPECT_EQ(KeptKeyOf(sealed).value(), kept);
  EXPECT_EQ(OpenWithKey(Filled(7), sealed)->span(), Filled(9, 100).span());
  EXPECT_EQ(ErrorCode(OpenWithKey(Filled(8), sealed).status()), "store_key_wrong");
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes damaged = sealed;
    damaged[i] ^= 4;
    EXPECT_FALSE(OpenWithKey(Filled(7), damaged).ok()) << i;
    EXPECT_FALSE(OpenWithKey(Filled(7), ByteSpan(sealed).first(i)).ok()) << i;
  }
}

TEST(StoreSealTest, EachKindSaysThatItIsTheOther) {
  const Bytes key = SealWithKey(Filled(7), Bytes{1}, Filled(9));
  EXPECT_EQ(ErrorCode(OpenWithPassphrase(AsBytes("passphrase"), key).status()), "store_under_key");
  const Bytes passphrase =
      SealWithPassphrase(AsBytes("passphrase"), {.operations = 1, .memory_kib = 8}, Filled(9));
  EXPECT_EQ(ErrorCode(KeptKeyOf(passphrase).status()), "store_under_passphrase");
  EXPECT_EQ(ErrorCode(KeptKeyOf(Bytes(100)).status()), "store_malformed");
}

}  // namespace
}  // namespace sealfold
