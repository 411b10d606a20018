#include "attest/x509/ecdsa.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "attest/software/authority/key.h"
#include "attest/testing/vectors.h"

namespace sealfold {
namespace {

Bytes Hex(const nlohmann::json& text) { return HexDecode(text.get<std::string>()).value(); }

TEST(EcdsaTest, EveryVectorOfWycheproof) {
  auto vectors = nlohmann::json::parse(ReadTestData("wycheproof-ecdsa-p384-sha384-p1363.json"));
  size_t valid = 0;
  size_t invalid = 0;
  for (const auto& group : vectors.at("testGroups")) {
    ASSERT_EQ(group.at("sha"), "SHA-384");
    ASSERT_EQ(group.at("publicKey").at("curve"), "secp384r1");
    Bytes der = Hex(group.at("publicKeyDer"));
    const uint8_t* position = der.data();
    UniqueKey key(d2i_PUBKEY(nullptr, &position, static_cast<int64_t>(der.size())), &EVP_PKEY_free);
    ASSERT_NE(key, nullptr);
    for (const auto& test : group.at("tests")) {
      const bool expected = test.at("result") == "valid";
      ++(expected ? valid : invalid);
      EXPECT_EQ(VerifyP384(key.get(), Hex(test.at("msg")), Hex(test.at("sig"))), expected)
          << test.at("tcId") << " " << test.at("comment");
    }
  }
  EXPECT_EQ(valid, 193U);
  EXPECT_EQ(invalid, 87U);
}

TEST(EcdsaTest, SignsWhatItVerifies) {
  UniqueKey key = GenerateP384Key();
  UniqueKey other = GenerateP384Key();
  for (int i = 0; i < 50;
       ++i) {  // some with a scalar that begins with a zero byte, sooner or later
    Bytes message(static_cast<size_t>(i), 0xa5);
    Bytes signature = SignP384(key.get(), message);
    ASSERT_EQ(signature.size(), kP384SignatureSize);
    EXPECT_TRUE(VerifyP384(key.get(), message, signature));
    EXPECT_FALSE(VerifyP384(other.get(), message, signature));
    message.push_back(0);
    EXPECT_FALSE(VerifyP384(key.get(), message, signature));
  }
}

TEST(EcdsaTest, RefusesOtherLengths) {
  UniqueKey key = GenerateP384Key();
  Bytes signature = SignP384(key.get(), {});
  EXPECT_TRUE(VerifyP384(key.get(), {}, signature));
  EXPECT_FALSE(VerifyP384(key.get(), {}, ByteSpan(signature).first(95)));
  signature.push_back(0);
  EXPECT_FALSE(VerifyP384(key.get(), {}, signature));
  EXPECT_FALSE(VerifyP384(key.get(), {}, {}));
}

}  // namespace
}  // namespace sealfold
