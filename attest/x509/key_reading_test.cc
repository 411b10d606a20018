#include "attest/x509/key_reading.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "attest/testing/forge/forge.h"
#include "attest/x509/ecdsa.h"

namespace sealfold {
namespace {

std::string ProviderOf(const Certificate& certificate) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(certificate.public_key());
  return provider == nullptr ? "none" : OSSL_PROVIDER_get0_name(provider);
}

// What a document brings along is read without a search through every decoder there is.
TEST(KeyReadingTest, ACertificatesKeyIsReadByTheFewDecoders) {
  const Chain chain = Chain::Make();
  const Certificate leaf = Certificate::FromDer(chain.leaf.der()).value();
  EXPECT_EQ(ProviderOf(leaf), "sealfold-key-reading");
  EXPECT_EQ(EVP_PKEY_eq(leaf.public_key(), chain.leaf_key.get()), 1);
  const Bytes message = {1, 2, 3};
  const Bytes signature = SignP384(chain.leaf_key.get(), message);
  for (EVP_PKEY* key : {leaf.public_key(), chain.leaf_key.get()}) {
    EXPECT_TRUE(VerifyP384(key, message, signature));
    EXPECT_FALSE(VerifyP384(key, {}, signature));
  }
}

TEST(KeyReadingTest, EachKindOfKeyThatAProfileKnowsIsRead) {
  for (const char* type : {"RSA", "EC"}) {
    const UniqueKey key(type == std::string("RSA") ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                        &EVP_PKEY_free);
    ASSERT_NE(key, nullptr);
    uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(key.get(), &der);
    const uint8_t* position = der;
    const UniqueKey read(d2i_PUBKEY_ex(nullptr, &position, size, KeyReadingContext(), nullptr),
                         &EVP_PKEY_free);
    OPENSSL_free(der);
    ASSERT_NE(read, nullptr) << type;
    EXPECT_EQ(EVP_PKEY_eq(read.get(), key.get()), 1) << type;
  }
}

}  // namespace
}  // namespace sealfold
