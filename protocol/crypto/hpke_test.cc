#include "protocol/crypto/hpke.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_replace.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/aead/choice.h"

namespace sealfold {
namespace {

Bytes Hex(const nlohmann::json& hex) { return HexDecode(hex.get<std::string>()).value(); }

SealingPublicKey Key(const nlohmann::json& hex) { return SealingPublicKey::From(Hex(hex)).value(); }

nlohmann::json BaseModeVectors() {
  std::ifstream file(SEALFOLD_TEST_DATA "/hpke-rfc9180-x25519.json");
  nlohmann::json out;
  for (const auto& v : nlohmann::json::parse(file)) {
    if (v.at("mode") == 0) out.push_back(v);
  }
  return out;
}

HpkeContext Sender(const HpkeKeyPair& recipient, ByteSpan info) {
  return HpkeContext::SetupSender(AeadId::kAes256Gcm, recipient.public_key(), info,
                                  HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize)))
      .value();
}

class HpkeVectorsTest : public ::testing::TestWithParam<std::string> {};

std::vector<std::string> BackendNames() {
  std::vector<std::string> out;
  for (const AeadBackend& backend : AeadBackends()) out.emplace_back(backend.name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(All, HpkeVectorsTest, ::testing::ValuesIn(BackendNames()),
                         [](const auto& instance) {
                           return absl::StrReplaceAll(instance.param, {{"-", "_"}});
                         });

// Where a backend lacks an AEAD, that vector runs with the one that would be chosen anyway.
TEST_P(HpkeVectorsTest, EveryBaseModeVectorOfRfc9180) {
  const ForcedAeadBackend forced(GetParam());
  const nlohmann::json vectors = BaseModeVectors();
  ASSERT_EQ(vectors.size(), 3U);
  size_t encryptions = 0;
  size_t exports = 0;
  for (const auto& v : vectors) {
    ASSERT_EQ(v.at("kem_id"), 0x20);
    ASSERT_EQ(v.at("kdf_id"), 1);
    const auto id = static_cast<AeadId>(v.at("aead_id").get<int>());
    SCOPED_TRACE(v.at("aead_id"));
    const HpkeKeyPair recipient = HpkeKeyPair::Derive(Secret::CopyOf(Hex(v.at("ikmR"))));
    EXPECT_EQ(recipient.private_key().span(), ByteSpan(Hex(v.at("skRm"))));
    EXPECT_EQ(recipient.public_key(), Key(v.at("pkRm")));
    const Bytes info = Hex(v.at("info"));
    // sender_seed is the ephemeral private key.
    const auto sender = HpkeContext::SetupSender(
        id, recipient.public_key(), info,
        HpkeKeyPair::FromPrivateKey(Secret::CopyOf(Hex(v.at("sender_seed")))));
    ASSERT_TRUE(sender.ok());
    EXPECT_EQ(sender->enc(), Key(v.at("enc")));
    const auto receiver = HpkeContext::SetupReceiver(id, Key(v.at("enc")), recipient, info);
    ASSERT_TRUE(receiver.ok());
    uint64_t seq = 0;
    for (const auto& e : v.at("encryptions")) {
      const Bytes plaintext = Hex(e.at("pt"));
      const Bytes aad = Hex(e.at("aad"));
      Bytes sealed(plaintext.size() + kAeadTagSize);
      sender->Seal(seq, aad, plaintext, absl::MakeSpan(sealed));
      EXPECT_EQ(sealed, Hex(e.at("ct"))) << seq;
      Bytes opened(plaintext.size());
      EXPECT_TRUE(receiver->Open(seq, aad, sealed, absl::MakeSpan(opened)).ok()) << seq;
      EXPECT_EQ(opened, plaintext);
      ++seq;
      ++encryptions;
    }
    for (const auto& e : v.at("exports")) {
      const Bytes context = Hex(e.at("exporter_context"));
      const auto length = e.at("L").get<size_t>();
      const Bytes expected = Hex(e.at("exported_value"));
      EXPECT_EQ(sender->Export(context, length).span(), ByteSpan(expected));
      EXPECT_EQ(receiver->Export(context, length).span(), ByteSpan(expected));
      ++exports;
    }
  }
  EXPECT_EQ(encryptions, 3U * 257);
  EXPECT_EQ(exports, 3U * 3);
}

TEST(HpkeTest, OpensInAnyOrderButOnlyUnderItsOwnSeq) {
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const HpkeContext sender = Sender(recipient, AsBytes("info"));
  const auto receiver =
      HpkeContext::SetupReceiver(AeadId::kAes256Gcm, sender.enc(), recipient, AsBytes("info"));
  ASSERT_TRUE(receiver.ok());
  const uint64_t seqs[] = {UINT64_MAX, 0, 256, 1, uint64_t{1} << 32, 255};
  for (uint64_t sealed_as : seqs) {
    Bytes sealed(5 + kAeadTagSize);
    sender.Seal(sealed_as, {}, AsBytes("chunk"), absl::MakeSpan(sealed));
    for (uint64_t opened_as : seqs) {
      Bytes opened(5);
      const absl::Status status = receiver->Open(opened_as, {}, sealed, absl::MakeSpan(opened));
      EXPECT_EQ(ErrorCode(status), opened_as == sealed_as ? "" : "seal_broken");
    }
  }
}

TEST(HpkeTest, AnotherInfoKeyOrSuiteDoesNotOpen) {
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const HpkeKeyPair other = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const HpkeContext sender = Sender(recipient, AsBytes("info"));
  Bytes sealed(5 + kAeadTagSize);
  sender.Seal(0, {}, AsBytes("chunk"), absl::MakeSpan(sealed));
  auto open = [&](AeadId id, const SealingPublicKey& enc, const HpkeKeyPair& pair,
                  absl::string_view info) {
    const auto receiver = HpkeContext::SetupReceiver(id, enc, pair, AsBytes(info));
    Bytes opened(5);
    return ErrorCode(receiver.value().Open(0, {}, sealed, absl::MakeSpan(opened)));
  };
  EXPECT_EQ(open(AeadId::kAes256Gcm, sender.enc(), recipient, "info"), "");
  EXPECT_EQ(open(AeadId::kAes256Gcm, sender.enc(), recipient, "infp"), "seal_broken");
  EXPECT_EQ(open(AeadId::kAes256Gcm, sender.enc(), other, "info"), "seal_broken");
  EXPECT_EQ(open(AeadId::kAes256Gcm, other.public_key(), recipient, "info"), "seal_broken");
  EXPECT_EQ(open(AeadId::kChaCha20Poly1305, sender.enc(), recipient, "info"), "seal_broken");
}

// RFC 9180, 7.1.4: an all-zero shared secret must abort. The points of small order of RFC 7748's
// curve.
TEST(HpkeTest, LowOrderPointsAreRefusedBothWays) {
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  for (const char* hex : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       }) {
    const SealingPublicKey point = SealingPublicKey::FromHex(hex).value();
    const auto receiver = HpkeContext::SetupReceiver(AeadId::kAes256Gcm, point, recipient, {});
    EXPECT_EQ(receiver.status().code(), absl::StatusCode::kInvalidArgument) << hex;
    EXPECT_EQ(ErrorCode(receiver.status()), "sealing_key_weak") << hex;
    const auto sender = HpkeContext::SetupSender(AeadId::kAes256Gcm, point, {},
                                                 HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize)));
    EXPECT_EQ(ErrorCode(sender.status()), "sealing_key_weak") << hex;
  }
}

TEST(HpkeDeathTest, KeyLengths) {
  EXPECT_DEATH(HpkeKeyPair::Derive(Secret(31)), "seed.size");
  EXPECT_DEATH(HpkeKeyPair::FromPrivateKey(Secret(33)), "private_key.size");
}

}  // namespace
}  // namespace sealfold
