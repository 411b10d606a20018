// Parsing what TPMs write: field by field, and the real quote.
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/testing/forge/forge_tpm.h"
#include "attest/testing/vectors.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/tpm/structure/tpm_signature.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

Bytes Hex(const nlohmann::json& text) { return HexDecode(text.get<std::string>()).value(); }

TEST(TpmReaderTest, NeverRunsOver) {
  const Bytes bytes = {0, 2, 7, 8, 9};
  TpmReader reader("thing", bytes);
  EXPECT_EQ(ToBytes(reader.Sized("field", 2)), (Bytes{7, 8}));
  EXPECT_EQ(reader.U16(), 0) << "only one byte is left";
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0) << "nothing is read after a violation";
  EXPECT_EQ(ErrorCode(reader.Finish()), "tpm_truncated");

  TpmReader trailing("thing", bytes);
  trailing.U32();
  EXPECT_EQ(ErrorCode(trailing.Finish()), "tpm_trailing");
  TpmReader large("thing", bytes);
  EXPECT_TRUE(large.Sized("field", 1).empty());
  EXPECT_EQ(ErrorCode(large.Finish()), "tpm_field");
  TpmReader beyond("thing", ByteSpan(bytes).first(3));
  EXPECT_TRUE(beyond.Sized("field", 100).empty());
  EXPECT_EQ(ErrorCode(beyond.Finish()), "tpm_truncated");
}

TEST(TpmWriterTest, WritesWhatIsRead) {
  const Bytes bytes =
      TpmWriter().U8(1).U16(0x0203).U32(0x04050607).U64(0x08090a0b0c0d0e0f).Sized({}).bytes();
  EXPECT_EQ(HexEncode(bytes), "0102030405060708090a0b0c0d0e0f0000");
  TpmReader reader("thing", bytes);
  EXPECT_EQ(reader.U8(), 1);
  EXPECT_EQ(reader.U16(), 0x0203);
  EXPECT_EQ(reader.U32(), 0x04050607u);
  EXPECT_EQ(reader.U64(), 0x08090a0b0c0d0e0fu);
  EXPECT_TRUE(reader.Sized("end", 0).empty());
  EXPECT_TRUE(reader.Finish().ok());
}

// The quote of a real NitroTPM, made for the same nonce as the real document by the key that the
// document carries: the two together prove what either says.
class RealQuoteTest : public testing::Test {
 protected:
  RealQuoteTest()
      : json_(nlohmann::json::parse(ReadTestData("attestation/nitrotpm-2026-02.quote.json"))),
        attest_(Hex(json_.at("attest_data"))) {}

  // The key as its TPM describes it: ECC P-256, ECDSA with SHA-256, a primary key under the
  // endorsement hierarchy with these attributes, as the signer's qualified name shows.
  Bytes Public() const {
    TpmWriter out;
    out.U16(kTpmAlgEcc).U16(kTpmAlgSha256);
    out.U32(kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin | kTpmUserWithAuth |
            kTpmRestricted | kTpmSign);
    out.Sized({}).U16(kTpmAlgNull).U16(kTpmAlgEcdsa).U16(kTpmAlgSha256);
    out.U16(kTpmCurveP256).U16(kTpmAlgNull);
    const nlohmann::json& point = json_.at("ak_ecc_p256");
    return out.Sized(Hex(point.at("x"))).Sized(Hex(point.at("y"))).bytes();
  }
  // The JSON has DER: SEQUENCE { INTEGER r, INTEGER s }, both of one-byte lengths.
  TpmSignature Signature() const {
    const Bytes der = Hex(json_.at("signature_der"));
    const size_t r_size = der.at(3);
    TpmSignature out{.scheme = kTpmAlgEcdsa, .hash = kTpmAlgSha256};
    out.ecdsa_r.assign(der.begin() + 4, der.begin() + 4 + static_cast<int64_t>(r_size));
    out.ecdsa_s.assign(der.begin() + 6 + static_cast<int64_t>(r_size), der.end());
    return out;
  }

  nlohmann::json json_;
  Bytes attest_;
};

TEST_F(RealQuoteTest, VerifiesTogetherWithTheDocument) {
  auto document =
      ParseNitroDocument(ReadDocument("nitrotpm-2026-02.cose"), kNitroTpmDocument).value();
  auto quote = ParseTpmQuote(attest_);
  ASSERT_TRUE(quote.ok()) << quote.status();
  auto key = ParseTpmPublic(Public());
  ASSERT_TRUE(key.ok()) << key.status();

  // The document's key is the quote's, and its TPM holds it as a restricted signing key.
  Bytes point = {0x04};
  Append(point, key->x);
  Append(point, key->y);
  EXPECT_EQ(*document.public_key, point);
  EXPECT_TRUE(CheckAttestationKey(*key).ok());
  EXPECT_EQ(quote->qualified_signer, key->QualifiedName(kTpmEndorsement));
  EXPECT_NE(quote->qualified_signer, key->QualifiedName(kTpmOwner));

  // It signed the quote, for the document's nonce, over the document's registers.
  EXPECT_TRUE(VerifyTpmSignature(*key, attest_, Signature()));
  EXPECT_EQ(quote->extra_data, *document.nonce);
  EXPECT_EQ(quote->bank, kTpmAlgSha384);
  EXPECT_EQ(quote->registers, 0xffffffu);
  Bytes values;
  for (const auto& [index, value] : document.registers) Append(values, value);
  EXPECT_EQ(quote->register_digest, TpmHash(kTpmAlgSha256, {values}));

  EXPECT_EQ(quote->clock_ms, 0xfbfau);
  EXPECT_EQ(quote->resets, 3u);
  EXPECT_EQ(quote->restarts, 0u);
  EXPECT_TRUE(quote->clock_safe);
  EXPECT_EQ(quote->firmware_version, 0x2019102300163636u);
}

TEST_F(RealQuoteTest, EveryByteMatters) {
  const TpmPublic key = ParseTpmPublic(Public()).value();
  for (size_t i = 0; i < attest_.size(); ++i) {
    attest_[i] ^= 0x01;
    EXPECT_FALSE(VerifyTpmSignature(key, attest_, Signature())) << i;
    attest_[i] ^= 0x01;
  }
}

TEST_F(RealQuoteTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < attest_.size(); ++size) {
    EXPECT_EQ(ErrorCode(ParseTpmQuote(ByteSpan(attest_).first(size)).status()), "tpm_truncated")
        << size;
  }
  attest_.push_back(0);
  EXPECT_EQ(ErrorCode(ParseTpmQuote(attest_).status()), "tpm_trailing");
}

// Offsets into the real TPMS_ATTEST, whose form is fixed by what precedes them.
TEST_F(RealQuoteTest, EveryFieldIsHeldToItsRule) {
  struct Case {
    size_t offset;
    uint8_t value;
    const char* what;
  };
  for (const Case& c :
       {Case{0, 0xfe, "magic: not made by a TPM of itself"},
        Case{5, 0x17, "type: a certified key, no quote"}, Case{6, 0xff, "qualifiedSigner too long"},
        Case{43, 65, "extraData too long"}, Case{92, 2, "safe is neither 0 nor 1"},
        Case{104, 0, "no bank"}, Case{104, 2, "two banks"}, Case{106, 0x04, "a SHA-1 bank"},
        Case{107, 4, "32 registers"}, Case{112, 49, "pcrDigest too long"}}) {
    Bytes changed = attest_;
    changed.at(c.offset) = c.value;
    EXPECT_EQ(ErrorCode(ParseTpmQuote(changed).status()), "tpm_field") << c.what;
  }
  Bytes none = attest_;
  for (size_t offset : {108, 109, 110}) none.at(offset) = 0;
  EXPECT_EQ(ErrorCode(ParseTpmQuote(none).status()), "tpm_field") << "no register";
}

TEST(TpmSignatureTest, EverySchemeVerifiesItsOwnOnly) {
  const Bytes message = {1, 2, 3};
  std::vector<ForgedKey> keys;
  for (uint16_t hash : {kTpmAlgSha256, kTpmAlgSha384}) {
    keys.push_back(ForgedKey::Ecdsa(kTpmCurveP256, hash));
    keys.push_back(ForgedKey::Ecdsa(kTpmCurveP384, hash));
    keys.push_back(ForgedKey::Rsa(kTpmAlgRsaSsa, hash));
    keys.push_back(ForgedKey::Rsa(kTpmAlgRsaPss, hash));
  }
  for (const ForgedKey& key : keys) {
    const TpmSignature signature = ParseTpmSignature(key.Sign(message)).value();
    EXPECT_TRUE(VerifyTpmSignature(key.Parsed(), message, signature)) << key.scheme;
    EXPECT_FALSE(VerifyTpmSignature(key.Parsed(), Bytes{1, 2, 4}, signature));
    TpmSignature other = signature;
    other.hash = signature.hash == kTpmAlgSha256 ? kTpmAlgSha384 : kTpmAlgSha256;
    EXPECT_FALSE(VerifyTpmSignature(key.Parsed(), message, other));
    other = signature;
    other.scheme = signature.scheme == kTpmAlgRsaSsa ? kTpmAlgRsaPss : kTpmAlgRsaSsa;
    EXPECT_FALSE(VerifyTpmSignature(key.Parsed(), message, other));
    for (const ForgedKey& another : keys) {
      if (&another != &key) {
        EXPECT_FALSE(VerifyTpmSignature(another.Parsed(), message, signature));
      }
    }
  }
}

TEST(TpmSignatureTest, FormIsChecked) {
  const Bytes good = ForgedKey::Ecdsa().Sign(Bytes{1});
  EXPECT_TRUE(ParseTpmSignature(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseTpmSignature(ByteSpan(good).first(size)).ok()) << size;
  }
  const auto code = [](const TpmWriter& out) {
    return ErrorCode(ParseTpmSignature(out.bytes()).status());
  };
  const Bytes scalar(32, 1);
  EXPECT_EQ(code(TpmWriter().U16(kTpmAlgEcdsa).U16(kTpmAlgSha256).Sized(scalar).Sized(scalar)), "");
  EXPECT_EQ(code(TpmWriter().U16(kTpmAlgEcdsa).U16(0x0004).Sized(scalar).Sized(scalar)),
            "tpm_field")
      << "SHA-1";
  EXPECT_EQ(code(TpmWriter().U16(0x001a).U16(kTpmAlgSha256).Sized(scalar)), "tpm_field") << "ECDAA";
  EXPECT_EQ(code(TpmWriter().U16(kTpmAlgEcdsa).U16(kTpmAlgSha256).Sized(Bytes(49)).Sized(scalar)),
            "tpm_field");
  EXPECT_EQ(code(TpmWriter().U16(kTpmAlgRsaSsa).U16(kTpmAlgSha256).Sized(Bytes(513))), "tpm_field");
  EXPECT_EQ(code(TpmWriter().U16(kTpmAlgRsaSsa).U16(kTpmAlgSha256).Sized(Bytes(512))), "");
}

TEST(TpmPublicTest, FormIsChecked) {
  for (const ForgedKey& key : {ForgedKey::Ecdsa(), ForgedKey::Rsa(kTpmAlgRsaPss)}) {
    const Bytes good = key.Public();
    EXPECT_TRUE(ParseTpmPublic(good).ok());
    for (size_t size = 0; size < good.size(); ++size) {
      EXPECT_FALSE(ParseTpmPublic(ByteSpan(good).first(size)).ok()) << size;
    }
    Bytes longer = good;
    longer.push_back(0);
    EXPECT_EQ(ErrorCode(ParseTpmPublic(longer).status()), "tpm_trailing");
    // type, nameAlg, the scheme's algorithm and hash: to algorithms that count for nothing here.
    for (size_t offset : {1, 3, 13, 15}) {
      Bytes changed = good;
      changed.at(offset) = 0x04;
      EXPECT_EQ(ErrorCode(ParseTpmPublic(changed).status()), "tpm_field") << offset;
    }
  }
}

// OpenSSL takes it for a key, and then encrypts nothing to it.
TEST(TpmPublicTest, AnEvenModulusIsNoKey) {
  Bytes bytes = ForgedKey::Rsa(kTpmAlgRsaPss).Public();
  bytes.back() ^= 1;
  EXPECT_EQ(ErrorCode(ParseTpmPublic(bytes).status()), "tpm_field");
}

TEST(TpmPublicTest, APointOffTheCurveIsNoKey) {
  Bytes bytes = ForgedKey::Ecdsa().Public();
  bytes.back() ^= 1;
  EXPECT_EQ(ErrorCode(ParseTpmPublic(bytes)->Key().status()), "tpm_key");
}

TEST(TpmPublicTest, OnlyARestrictedSigningKeyIsAnAttestationKey) {
  ForgedKey key = ForgedKey::Ecdsa();
  EXPECT_TRUE(CheckAttestationKey(key.Parsed()).ok());
  const uint32_t good = key.attributes;
  for (uint32_t bit : {kTpmRestricted, kTpmSign, kTpmFixedTpm, kTpmFixedParent,
                       kTpmSensitiveDataOrigin, kTpmDecrypt}) {
    key.attributes = good ^ bit;
    EXPECT_EQ(ErrorCode(CheckAttestationKey(key.Parsed())), "attestation_key") << bit;
  }
}

}  // namespace
}  // namespace sealfold
