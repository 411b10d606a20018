#include "attest/keyclient/wire/recipient_key.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "attest/keyclient/wire/base64.h"
#include "attest/testing/programs/memory_scan.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using UniqueKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using UniqueNumber = std::unique_ptr<BIGNUM, decltype(&BN_free)>;

Bytes SpkiOf(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

TEST(RecipientKeyTest, OpensWhatIsSealedToIt) {
  const RecipientKey key = RecipientKey::Generate();
  const absl::StatusOr<Bytes> envelope = SealToRecipient(key.Spki(), AsBytes("a data key"));
  ASSERT_TRUE(envelope.ok()) << envelope.status();
  const absl::StatusOr<Secret> opened = key.Open(*envelope);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(AsText(opened->span()), "a data key");
  EXPECT_EQ(ErrorCode(RecipientKey::Generate().Open(*envelope).status()), "envelope_closed");
}

TEST(RecipientKeyTest, NoCopyOfTheContentStaysBehind) {
  const RecipientKey key = RecipientKey::Generate();
  Secret content = RandomSecret(48);
  const Bytes masked = Masked(content.span());
  const std::optional<int> held = CountInOwnMemory(masked);
  if (!held.has_value()) GTEST_SKIP() << "no process may look at another's memory here";
  EXPECT_EQ(*held, 1);
  const Bytes envelope = SealToRecipient(key.Spki(), content.span()).value();
  EXPECT_EQ(CountInOwnMemory(masked), 1);
  content.Erase();
  EXPECT_EQ(CountInOwnMemory(masked), 0);
  content = key.Open(envelope).value();
  EXPECT_EQ(Masked(content.span()), masked);
  EXPECT_EQ(CountInOwnMemory(masked), 1);
}

TEST(RecipientKeyTest, OpenSslOpensItWithTheKeyAlone) {
  const TempDir folder;
  const UniqueKey key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  FILE* file = std::fopen(folder.Path("key.pem").c_str(), "w");
  ASSERT_EQ(PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  std::fclose(file);
  const Bytes envelope = SealToRecipient(SpkiOf(key.get()), AsBytes("a data key")).value();
  ASSERT_TRUE(WriteFileAtomic(folder.Path("envelope"), AsText(envelope)).ok());
  const absl::StatusOr<ProgramResult> opened =
      RunToEnd({"openssl", "cms", "-decrypt", "-inform", "DER", "-in", folder.Path("envelope"),
                "-inkey", folder.Path("key.pem")});
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->exit_code, 0);
  EXPECT_EQ(opened->out, "a data key");
  const absl::StatusOr<ProgramResult> shown = RunToEnd(
      {"openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", folder.Path("envelope")});
  for (const char* part : {"subjectKeyIdentifier", "rsaesOaep", "sha256", "aes-256-cbc"}) {
    EXPECT_NE(shown->out.find(part), std::string::npos) << part << "\n" << shown->out;
  }
}

TEST(RecipientKeyTest, UnfitKeysAreRefused) {
  const UniqueKey small(EVP_RSA_gen(1024), &EVP_PKEY_free);
  const UniqueKey curve(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  Bytes trailing = RecipientKey::Generate().Spki();
  trailing.push_back(0);
  for (const Bytes& spki :
       {Bytes(), Bytes(100, 0x30), SpkiOf(small.get()), SpkiOf(curve.get()), trailing}) {
    EXPECT_EQ(ErrorCode(SealToRecipient(spki, AsBytes("x")).status()), "recipient_key_unfit");
    EXPECT_EQ(ErrorCode(CheckRecipientKey(spki)), "recipient_key_unfit");
  }
}

// A caller's numbers, which OpenSSL reads as a key.
Bytes SpkiOf(BIGNUM* modulus, BIGNUM* exponent) {
  const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> numbers(
      OSSL_PARAM_BLD_new(), &OSSL_PARAM_BLD_free);
  EXPECT_EQ(OSSL_PARAM_BLD_push_BN(numbers.get(), OSSL_PKEY_PARAM_RSA_N, modulus), 1);
  EXPECT_EQ(OSSL_PARAM_BLD_push_BN(numbers.get(), OSSL_PKEY_PARAM_RSA_E, exponent), 1);
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(numbers.get()), &OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()), 1);
  const UniqueKey owned(key, &EVP_PKEY_free);
  return SpkiOf(key);
}

TEST(RecipientKeyTest, KeysThatNothingCanBeEncryptedToAreRefused) {
  const auto refused = [](const char* what, int modulus_bits, bool odd, int exponent_bits) {
    const UniqueNumber modulus(BN_new(), &BN_free);
    const UniqueNumber exponent(BN_new(), &BN_free);
    ASSERT_EQ(BN_rand(modulus.get(), modulus_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    ASSERT_EQ(odd ? 1 : BN_sub_word(modulus.get(), 1), 1);
    ASSERT_EQ(BN_rand(exponent.get(), exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
    const Bytes spki = SpkiOf(modulus.get(), exponent.get());
    EXPECT_EQ(ErrorCode(CheckRecipientKey(spki)), "recipient_key_unfit") << what;
    EXPECT_EQ(ErrorCode(SealToRecipient(spki, AsBytes("x")).status()), "recipient_key_unfit")
        << what;
  };
  refused("even modulus", 2048, false, 17);
  refused("exponent beyond the modulus", 2048, true, 2049);
  refused("exponent beyond 64 bits", 4096, true, 65);
  refused("exponent below 2^16", 2048, true, 16);
}

// RSAES-PKCS1-v1_5, what `openssl cms -encrypt` takes when nothing is said, is not taken.
TEST(RecipientKeyTest, AnotherWayToTheContentKeyIsRefused) {
  const TempDir folder;
  ASSERT_EQ(RunToEnd({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x",
                      "-keyout", folder.Path("key"), "-out", folder.Path("cert")},
                     {.err = ChildProcess::Stream::kNull})
                ->exit_code,
            0);
  ASSERT_TRUE(WriteFileAtomic(folder.Path("in"), "x").ok());
  const auto seal = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"openssl",  "cms",
                                          "-encrypt", "-aes-256-cbc",
                                          "-outform", "DER",
                                          "-in",      folder.Path("in"),
                                          "-out",     folder.Path("out"),
                                          "-recip",   folder.Path("cert")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(RunToEnd(arguments)->exit_code, 0);
    const std::string envelope = ReadFile(folder.Path("out"), kEnvelopeSizeMax).value();
    return ErrorCode(RecipientKey::Generate().Open(AsBytes(envelope)).status());
  };
  EXPECT_EQ(seal({}), "envelope_malformed");
  EXPECT_EQ(seal({"-keyopt", "rsa_padding_mode:oaep"}), "envelope_malformed");  // SHA-1
  EXPECT_EQ(seal({"-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"}),
            "envelope_closed");  // the form that is taken; for another key
  // BER, with lengths that are not told before, as AWS may send it.
  EXPECT_EQ(seal({"-stream", "-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"}),
            "envelope_closed");
}

TEST(RecipientKeyTest, DamagedEnvelopesAreRefused) {
  const RecipientKey key = RecipientKey::Generate();
  const Bytes envelope = SealToRecipient(key.Spki(), Bytes(32, 7)).value();
  for (size_t size = 0; size < envelope.size(); ++size) {
    EXPECT_FALSE(key.Open(ByteSpan(envelope).first(size)).ok());
  }
  Bytes longer = envelope;
  longer.push_back(0);
  EXPECT_EQ(ErrorCode(key.Open(longer).status()), "envelope_malformed");
  EXPECT_EQ(ErrorCode(key.Open(Bytes(kEnvelopeSizeMax + 1)).status()), "envelope_malformed");
}

TEST(Base64Test, OneFormOfEachValue) {
  EXPECT_EQ(Base64Encode(AsBytes("light w")), "bGlnaHQgdw==");
  EXPECT_EQ(AsText(Base64Decode("x", "bGlnaHQgdw==").value()), "light w");
  EXPECT_TRUE(Base64Decode("x", "").value().empty());
  for (const char* bad : {"bGlnaHQgdw", "bGlnaHQgdw=", "bGln aHQgdw==", "bGlnaHQgdx==", "=", "a-_b",
                          "bGlnaHQgdw==\n"}) {
    EXPECT_EQ(ErrorCode(Base64Decode("x", bad).status()), "base64_malformed") << bad;
  }
}

}  // namespace
}  // namespace sealfold
