#include "protocol/crypto/aead.h"

#include <gtest/gtest.h>

#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

Bytes Hex(absl::string_view hex) { return HexDecode(hex).value(); }

class AeadTest : public testing::TestWithParam<AeadId> {
 protected:
  AeadTest() : key_(AeadKeySize(GetParam()), 0x42), aead_(Aead::Make(GetParam(), key_)) {}

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

INSTANTIATE_TEST_SUITE_P(All, AeadTest,
                         testing::Values(AeadId::kAes128Gcm, AeadId::kAes256Gcm,
                                         AeadId::kChaCha20Poly1305),
                         [](const auto& instance) {
                           return instance.param == AeadId::kAes128Gcm   ? "Aes128Gcm"
                                  : instance.param == AeadId::kAes256Gcm ? "Aes256Gcm"
                                                                         : "ChaCha20Poly1305";
                         });

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
  each_bit(key_, [&] { expect_refused(Aead::Make(GetParam(), key_), good); });
  // The context is still good after every refusal.
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
  EXPECT_DEATH(Aead::Make(GetParam(), Bytes(AeadKeySize(GetParam()) - 1)), "key.size");
  EXPECT_DEATH(aead_.Seal(ByteSpan(nonce_).first(11), {}, {}, view.first(16)), "nonce.size");
  EXPECT_DEATH(aead_.Seal(nonce_, {}, view.first(10), view.first(25)), "out.size");
  EXPECT_DEATH(aead_.Seal(nonce_, {}, view.first(10), view.subspan(1, 26)), "Disjoint");
  EXPECT_DEATH((void)aead_.Open(nonce_, {}, view.first(26), view.subspan(25, 10)), "Disjoint");
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16.
TEST(AeadVectorTest, Aes256Gcm) {
  const Aead aead = Aead::Make(
      AeadId::kAes256Gcm, Hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const Bytes plaintext =
      Hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  Bytes sealed(plaintext.size() + kAeadTagSize);
  aead.Seal(Hex("cafebabefacedbaddecaf888"), Hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
            plaintext, absl::MakeSpan(sealed));
  EXPECT_EQ(HexEncode(sealed),
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
            "76fc6ece0f4e1768cddf8853bb2d551b");
}

// RFC 8439, section 2.8.2.
TEST(AeadVectorTest, ChaCha20Poly1305) {
  const Aead aead =
      Aead::Make(AeadId::kChaCha20Poly1305,
                 Hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"));
  const ByteSpan plaintext = AsBytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.");
  Bytes sealed(plaintext.size() + kAeadTagSize);
  aead.Seal(Hex("070000004041424344454647"), Hex("50515253c0c1c2c3c4c5c6c7"), plaintext,
            absl::MakeSpan(sealed));
  EXPECT_EQ(HexEncode(ByteSpan(sealed).first(16)), "d31a8d34648e60db7b86afbc53ef7ec2");
  EXPECT_EQ(HexEncode(ByteSpan(sealed).last(16)), "1ae10b594f09e26a7e902ecbd0600691");
}

}  // namespace
}  // namespace sealfold
