#include "protocol/crypto/aead/aead.h"

#include <gtest/gtest.h>

#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/testing/aead_backends.h"

namespace sealfold {
namespace {

class AeadTest : public ::testing::TestWithParam<testing::AeadOfBackend> {
 protected:
  AeadTest() : key_(AeadKeySize(GetParam().id), 0x42), aead_(GetParam().Make(key_)) {}

  Bytes Seal(ByteSpan plaintext) const {
    Bytes sealed(plaintext.size() + kAeadTagSize);
    aead_.Seal(nonce_, aad_, plaintext, absl::MakeSpan(sealed));
    return sealed;
  }

  Bytes key_;
  Aead aead_;
  Bytes nonce_ = Bytes(kAeadNonceSize, 7);
  Bytes aad_ = ToBytes(AsBytes("plan, round, index"));
};

INSTANTIATE_TEST_SUITE_P(All, AeadTest, ::testing::ValuesIn(testing::AllAeadsOfBackends()),
                         [](const auto& instance) { return testing::NameOf(instance.param); });

TEST_P(AeadTest, RoundTripOfManySizesWithOneKey) {
  for (size_t size : {0, 1, 15, 16, 17, 31, 64, 255, 4096, 65536, 100003}) {
    Bytes plaintext(size);
    FillRandom(absl::MakeSpan(plaintext));
    nonce_[0] = static_cast<uint8_t>(nonce_[0] + 1);
    const Bytes sealed = Seal(plaintext);
    Bytes opened(size, 0xee);
    ASSERT_TRUE(aead_.Open(nonce_, aad_, sealed, absl::MakeSpan(opened)).ok()) << size;
    EXPECT_EQ(opened, plaintext);
  }
}

TEST_P(AeadTest, InPlace) {
  Bytes plaintext(1000);
  FillRandom(absl::MakeSpan(plaintext));
  Bytes buffer = plaintext;
  buffer.resize(plaintext.size() + kAeadTagSize);
  const MutableByteSpan view = absl::MakeSpan(buffer);
  aead_.Seal(nonce_, aad_, ByteSpan(view).first(plaintext.size()), view);
  EXPECT_EQ(buffer, Seal(plaintext));
  ASSERT_TRUE(aead_.Open(nonce_, aad_, view, view.first(plaintext.size())).ok());
  buffer.resize(plaintext.size());
  EXPECT_EQ(buffer, plaintext);
}

TEST_P(AeadTest, EveryBitIsProtectedAndRefusalLeavesNoPlaintext) {
  const Bytes plaintext = ToBytes(AsBytes("a plaintext of more than one block"));
  const Bytes good = Seal(plaintext);
  Bytes opened(plaintext.size());
  auto expect_refused = [&](const Aead& aead, ByteSpan sealed) {
    opened.assign(opened.size(), 0xee);
    const absl::Status status = aead.Open(nonce_, aad_, sealed, absl::MakeSpan(opened));
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ErrorCode(status), "seal_broken");
    EXPECT_EQ(opened, Bytes(opened.size(), 0));
  };
  auto each_bit = [](Bytes& bytes, auto&& check) {
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      const auto mask = static_cast<uint8_t>(1 << bit % 8);
      bytes[bit / 8] ^= mask;
      check();
      bytes[bit / 8] ^= mask;
    }
  };
  Bytes sealed = good;
  each_bit(sealed, [&] { expect_refused(aead_, sealed); });
  each_bit(aad_, [&] { expect_refused(aead_, good); });
  each_bit(nonce_, [&] { expect_refused(aead_, good); });
  each_bit(key_, [&] { expect_refused(GetParam().Make(key_), good); });
  // The key is still good after every refusal.
  EXPECT_TRUE(aead_.Open(nonce_, aad_, good, absl::MakeSpan(opened)).ok());
  EXPECT_EQ(opened, plaintext);
}

TEST_P(AeadTest, EveryTruncationIsRefused) {
  const Bytes good = Seal(Bytes(40, 1));
  for (size_t size = kAeadTagSize; size < good.size(); ++size) {
    Bytes opened(size - kAeadTagSize);
    const ByteSpan view = ByteSpan(good).first(size);
    EXPECT_EQ(ErrorCode(aead_.Open(nonce_, aad_, view, absl::MakeSpan(opened))), "seal_broken");
  }
}

TEST_P(AeadTest, DeathOnOurOwnMistakes) {
  Bytes buffer(100);
  const MutableByteSpan view = absl::MakeSpan(buffer);
  EXPECT_DEATH(GetParam().Make(Bytes(AeadKeySize(GetParam().id) - 1)), "key.size");
  EXPECT_DEATH(aead_.Seal(ByteSpan(nonce_).first(11), {}, {}, view.first(16)), "nonce.size");
  EXPECT_DEATH(aead_.Seal(nonce_, {}, view.first(10), view.first(25)), "out.size");
  EXPECT_DEATH(aead_.Seal(nonce_, {}, view.first(10), view.subspan(1, 26)), "Disjoint");
  EXPECT_DEATH((void)aead_.Open(nonce_, {}, view.first(26), view.subspan(25, 10)), "Disjoint");
}

}  // namespace
}  // namespace sealfold
