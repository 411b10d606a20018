#include "protocol/crypto/hash.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "protocol/base/bytes.h"

namespace sealfold {
namespace {

Bytes Hex(absl::string_view hex) { return HexDecode(hex).value(); }

// FIPS 180-4's examples, published by NIST with the standard.
TEST(Sha256Test, Vectors) {
  EXPECT_EQ(Sha256(ByteSpan()).hex(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256(AsBytes("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256(AsBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha384Test, Vectors) {
  EXPECT_EQ(Sha384(ByteSpan()).hex(),
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
            "274edebfe76f65fbd51ad2f14898b95b");
  EXPECT_EQ(Sha384(AsBytes("abc")).hex(),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
            "8086072ba1e7cc2358baeca134c825a7");
}

TEST(Sha256Test, PartsAreConcatenated) {
  EXPECT_EQ(Sha256({AsBytes("a"), ByteSpan(), AsBytes("bc")}), Sha256(AsBytes("abc")));
}

TEST(Sha256StreamTest, PeekLeavesTheStreamOpen) {
  Sha256Stream stream;
  EXPECT_EQ(stream.Peek(), Sha256(ByteSpan()));
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string part(static_cast<size_t>(i), static_cast<char>(i));
    stream.Update(AsBytes(part));
    all += part;
    EXPECT_EQ(stream.Peek(), Sha256(AsBytes(all))) << i;
  }
  Sha256Stream moved = std::move(stream);
  moved.Update(AsBytes("x"));
  EXPECT_EQ(moved.Peek(), Sha256(AsBytes(all + "x")));
}

struct HkdfVector {
  const char* ikm;
  const char* salt;
  const char* info;
  size_t length;
  const char* prk;
  const char* okm;
};

// RFC 5869, appendix A.1 to A.3.
constexpr HkdfVector kHkdfVectors[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9", 42, "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
    {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
     "404142434445464748494a4b4c4d4e4f",
     "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
     "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
     "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
     "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
     "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
     82, "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
     "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
     "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
     "cc30c58179ec3e87c14c01d5c1f3434f1d87"},
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "", 42,
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
     "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
};

TEST(HkdfTest, Rfc5869) {
  for (const HkdfVector& v : kHkdfVectors) {
    const Bytes ikm = Hex(v.ikm);
    const Secret prk = HkdfExtract(Hex(v.salt), {ikm});
    EXPECT_EQ(HexEncode(prk.span()), v.prk);
    EXPECT_EQ(HexEncode(HkdfExpand(prk.span(), Hex(v.info), v.length).span()), v.okm);
    const ByteSpan view = ikm;
    EXPECT_EQ(HexEncode(HkdfExtract(Hex(v.salt), {view.first(3), view.subspan(3)}).span()), v.prk);
  }
}

TEST(HkdfTest, LongestInfoAndOutput) {
  const Secret prk = HkdfExtract({}, {AsBytes("ikm")});
  const Bytes info(16384, 7);
  const Secret all = HkdfExpand(prk.span(), info, 255 * 32);
  EXPECT_EQ(HexEncode(HkdfExpand(prk.span(), info, 1).span()), HexEncode(all.span().first(1)));
}

TEST(HkdfDeathTest, BoundsAreChecked) {
  const Bytes prk(32, 1);
  EXPECT_DEATH(HkdfExpand(prk, {}, 0), "length");
  EXPECT_DEATH(HkdfExpand(prk, {}, 255 * 32 + 1), "length");
  EXPECT_DEATH(HkdfExpand(prk, Bytes(16385), 32), "info");
  EXPECT_DEATH(HkdfExpand(ByteSpan(prk).first(31), {}, 32), "prk");
}

}  // namespace
}  // namespace sealfold
