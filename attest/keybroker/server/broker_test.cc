#include "attest/keybroker/server/broker.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/wire/base64.h"
#include "attest/keyclient/wire/recipient_key.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_list.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using nlohmann::json;

KeyStore StoreTrusting(const Chain& chain) {
  KeyStore store =
      KeyStore::Create({{.platform = "aws-nitro"},
                        {.platform = "sealfold-softnsm", .root_pem = chain.root.Pem()}})
          .value();
  EXPECT_TRUE(store
                  .AddKey("attested", false,
                          {{.key = "kms:RecipientAttestation:PCR0",
                            .values = {std::string(96, '2'), std::string(96, '1')}}})
                  .ok());
  EXPECT_TRUE(store.AddKey("open", true, {}).ok());
  return store;
}

class BrokerTest : public ::testing::Test {
 protected:
  BrokerTest()
      : broker_(StoreTrusting(chain_), [this](const Decision& decision) {
          decisions_.push_back(decision);
          return log_status_;
        }) {}

  // A document for `recipient_`, as `change` leaves it.
  Bytes Document(const std::function<void(NitroDocument&)>& change = {}) const {
    NitroDocument content = chain_.Content();
    content.public_key = recipient_.Spki();
    if (change) change(content);
    return chain_.Sign(content);
  }
  static json Recipient(const Bytes& document) {
    return {{"KeyEncryptionAlgorithm", "RSAES_OAEP_SHA_256"},
            {"AttestationDocument", Base64Encode(document)}};
  }
  json Ask(absl::string_view operation, const json& body) {
    const KmsAnswer answer =
        broker_.Answer(std::string("aggregator"), absl::StrCat("TrentService.", operation),
                       body.dump(), kForgeTime_ms + 1000);
    status_ = answer.status;
    return json::parse(answer.body);
  }
  std::string BlobOf(absl::string_view key, absl::string_view plaintext) {
    return Ask("Encrypt", {{"KeyId", absl::StrCat("alias/", key)},
                           {"Plaintext", Base64Encode(AsBytes(plaintext))}})["CiphertextBlob"];
  }
  // What comes of a decryption with this document.
  std::string TypeWith(const Bytes& document) {
    const json answer = Ask("Decrypt", {{"CiphertextBlob", BlobOf("attested", "x")},
                                        {"Recipient", Recipient(document)}});
    EXPECT_FALSE(answer.contains("Plaintext"));
    return answer.value("__type", "");
  }

  Chain chain_ = Chain::Make();
  RecipientKey recipient_ = RecipientKey::Generate();
  std::vector<Decision> decisions_;
  absl::Status log_status_;
  int status_ = 0;
  Broker broker_;
};

TEST_F(BrokerTest, DecryptsToEvidenceOnly) {
  const std::string blob = BlobOf("attested", "a data key");
  const Bytes document = Document();
  const json answer =
      Ask("Decrypt", {{"CiphertextBlob", blob}, {"Recipient", Recipient(document)}});
  EXPECT_EQ(status_, 200);
  EXPECT_FALSE(answer.contains("Plaintext"));
  EXPECT_EQ(answer["KeyId"], KeyIdText(broker_.store().keys()[0].id));
  const Bytes envelope =
      Base64Decode("", answer["CiphertextForRecipient"].get<std::string>()).value();
  EXPECT_EQ(AsText(recipient_.Open(envelope)->span()), "a data key");

  const Decision& decision = decisions_.back();
  EXPECT_TRUE(decision.allowed);
  EXPECT_EQ(decision.caller, "aggregator");
  EXPECT_EQ(decision.operation, "Decrypt");
  EXPECT_EQ(decision.key, answer["KeyId"]);
  EXPECT_EQ(decision.evidence, Sha256(document).hex());
  EXPECT_EQ(decision.platform, "sealfold-softnsm");
  EXPECT_NE(decision.caveat, "");
  EXPECT_EQ(decision.registers, (std::map<uint32_t, std::string>{{0, std::string(96, '1')}}));
}

TEST_F(BrokerTest, RevocationListsCountAsInAPolicy) {
  const auto type_with = [this](const Chain& chain, RevocationLists revocation) {
    KeyStore store = StoreTrusting(chain);
    EXPECT_TRUE(store
                    .SetRevocation("sealfold-softnsm",
                                   std::make_shared<const RevocationLists>(std::move(revocation)))
                    .ok());
    broker_.Replace(std::move(store));
    NitroDocument content = chain.Content();
    content.public_key = recipient_.Spki();
    return TypeWith(chain.Sign(content));
  };
  const Chain chain = Chain::Make(ListingChainSpec());
  const auto lists = [&](const ListSpec& spec) {
    return ParseLists({ForgeList(spec, chain.intermediates[0], chain.issuer_keys[1].get())});
  };
  EXPECT_EQ(type_with(chain, {.lists = lists({})}), "");
  EXPECT_EQ(type_with(chain, {.lists = lists({.revoked = {chain.leaf}})}), "AccessDeniedException");
  EXPECT_EQ(decisions_.back().reason, "evidence_revocation");
  EXPECT_EQ(type_with(chain, {.lists = lists({}), .demand = ListDemand::kEvery}),
            "AccessDeniedException");
  EXPECT_EQ(decisions_.back().reason, "evidence_revocation_coverage");
}

TEST_F(BrokerTest, NothingOfAnAttestedKeyIsReleasedWithoutEvidence) {
  json answer = Ask("Decrypt", {{"CiphertextBlob", BlobOf("attested", "x")}});
  EXPECT_EQ(status_, 400);
  EXPECT_EQ(answer["__type"], "AccessDeniedException");
  EXPECT_EQ(answer.size(), 2U);
  EXPECT_EQ(decisions_.back().reason, "kms_recipient_missing");
  EXPECT_FALSE(decisions_.back().allowed);
  answer = Ask("GenerateDataKey", {{"KeyId", "alias/attested"}, {"KeySpec", "AES_256"}});
  EXPECT_EQ(answer["__type"], "AccessDeniedException");
  EXPECT_EQ(answer.size(), 2U);
}

TEST_F(BrokerTest, EvidenceThatFailsAnyCheckIsRefused) {
  EXPECT_EQ(TypeWith(Document()), "");
  const std::pair<const char*, std::function<void(NitroDocument&)>> changes[] = {
      {"evidence_registers", [](NitroDocument& d) { d.registers[0] = Bytes(48, 0x33); }},
      {"evidence_debug", [](NitroDocument& d) { d.registers[0] = Bytes(48); }},
      {"evidence_freshness", [](NitroDocument& d) { d.timestamp_ms -= 300'000; }},
      {"evidence_freshness", [](NitroDocument& d) { d.timestamp_ms += 10'000; }}};
  for (const auto& [reason, change] : changes) {
    EXPECT_EQ(TypeWith(Document(change)), "AccessDeniedException");
    EXPECT_EQ(decisions_.back().reason, reason);
  }
  Bytes broken = Document();
  broken.back() ^= 1;
  EXPECT_EQ(TypeWith(broken), "AccessDeniedException");
  EXPECT_EQ(decisions_.back().reason, "evidence_signature");
  EXPECT_TRUE(decisions_.back().registers.empty());  // not the platform's word
  EXPECT_EQ(TypeWith(Bytes(100)), "AccessDeniedException");
  const Chain other = Chain::Make();
  NitroDocument content = other.Content();
  content.public_key = recipient_.Spki();
  EXPECT_EQ(TypeWith(other.Sign(content)), "AccessDeniedException");
  EXPECT_EQ(decisions_.back().reason, "evidence_chain");
}

TEST_F(BrokerTest, ADocumentNeedsAFitKey) {
  EXPECT_EQ(TypeWith(Document([](NitroDocument& d) { d.public_key.reset(); })),
            "ValidationException");
  EXPECT_EQ(TypeWith(Document([](NitroDocument& d) { d.public_key = Bytes(32, 1); })),
            "ValidationException");
  EXPECT_EQ(decisions_.back().reason, "recipient_key_unfit");
}

TEST_F(BrokerTest, GeneratesADataKeyThatDecrypts) {
  const json made = Ask("GenerateDataKey", {{"KeyId", "alias/attested"},
                                            {"KeySpec", "AES_256"},
                                            {"EncryptionContext", {{"study", "s"}}},
                                            {"Recipient", Recipient(Document())}});
  ASSERT_EQ(status_, 200) << made;
  EXPECT_FALSE(made.contains("Plaintext"));
  const auto open = [this](const json& answer) {
    return recipient_
        .Open(Base64Decode("", answer["CiphertextForRecipient"].get<std::string>()).value())
        .value();
  };
  const Secret key = open(made);
  EXPECT_EQ(key.size(), 32U);
  json request = {{"CiphertextBlob", made["CiphertextBlob"]},
                  {"EncryptionContext", {{"study", "s"}}},
                  {"Recipient", Recipient(Document())}};
  EXPECT_EQ(open(Ask("Decrypt", request)).span(), key.span());
  request["EncryptionContext"]["study"] = "t";
  EXPECT_EQ(Ask("Decrypt", request)["__type"], "InvalidCiphertextException");
}

TEST_F(BrokerTest, AnOpenKeyIsReleasedToACaller) {
  const std::string blob = BlobOf("open", "a data key");
  EXPECT_EQ(Ask("Decrypt", {{"CiphertextBlob", blob}})["Plaintext"],
            Base64Encode(AsBytes("a data key")));
  const json sealed = Ask(
      "Decrypt", {{"CiphertextBlob", blob}, {"Recipient", Recipient(Document([](NitroDocument& d) {
                                               d.registers[0] = Bytes(48, 0x77);
                                             }))}});
  EXPECT_FALSE(sealed.contains("Plaintext"));
  EXPECT_TRUE(sealed.contains("CiphertextForRecipient")) << sealed;
}

TEST_F(BrokerTest, RandomBytesForAnyProgramThatIsAttested) {
  const json plain = Ask("GenerateRandom", {{"NumberOfBytes", 24}});
  EXPECT_EQ(Base64Decode("", plain["Plaintext"].get<std::string>())->size(), 24U);
  const auto with = [this](const Bytes& document) {
    return Ask("GenerateRandom", {{"NumberOfBytes", 24}, {"Recipient", Recipient(document)}});
  };
  const json sealed = with(Document([](NitroDocument& d) { d.registers[0] = Bytes(48, 0x77); }));
  EXPECT_FALSE(sealed.contains("Plaintext"));
  EXPECT_EQ(recipient_
                .Open(Base64Decode("", sealed["CiphertextForRecipient"].get<std::string>()).value())
                ->size(),
            24U);
  EXPECT_EQ(with(Document([](NitroDocument& d) { d.registers[0] = Bytes(48); }))["__type"],
            "AccessDeniedException");  // debug mode is no program
  Bytes broken = Document();
  broken.back() ^= 1;
  EXPECT_EQ(with(broken)["__type"], "AccessDeniedException");
}

TEST_F(BrokerTest, ErrorsHaveKmsNames) {
  const std::string blob = BlobOf("open", "x");
  EXPECT_EQ(Ask("CreateKey", json::object())["__type"], "UnknownOperationException");
  EXPECT_EQ(Ask("Decrypt", json::object())["__type"], "ValidationException");
  EXPECT_EQ(Ask("Decrypt", {{"CiphertextBlob", Base64Encode(Bytes(100))}})["__type"],
            "InvalidCiphertextException");
  EXPECT_EQ(Ask("Decrypt", {{"CiphertextBlob", blob}, {"KeyId", "alias/attested"}})["__type"],
            "IncorrectKeyException");
  EXPECT_EQ(Ask("Encrypt", {{"KeyId", "alias/none"}, {"Plaintext", "eA=="}})["__type"],
            "NotFoundException");
  const KmsAnswer answer = broker_.Answer(std::string("c"), "TrentService.Decrypt", "{", 1);
  EXPECT_EQ(json::parse(answer.body)["__type"], "SerializationException");
  EXPECT_EQ(answer.status, 400);
}

TEST_F(BrokerTest, WhoIsUnknownGetsNothing) {
  const KmsAnswer answer =
      broker_.Answer(Refused({.code = "signature_wrong", .what = "signature"}),
                     "TrentService.GenerateRandom", R"({"NumberOfBytes": 8})", kForgeTime_ms);
  EXPECT_EQ(json::parse(answer.body)["__type"], "InvalidSignatureException");
  EXPECT_EQ(json::parse(answer.body).size(), 2U);
  EXPECT_EQ(decisions_.back().caller, "");
  EXPECT_EQ(decisions_.back().reason, "signature_wrong");
}

// Anyone who reaches the broker could fill its disk otherwise.
TEST_F(BrokerTest, StrangersRefusalsAreLoggedWithinABound) {
  const auto stranger = [this](uint64_t now_ms) {
    return broker_
        .Answer(Refused({.code = "signature_wrong", .what = "signature"}),
                "TrentService.GenerateRandom", "{}", now_ms)
        .status;
  };
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(stranger(kForgeTime_ms), 400);
  ASSERT_EQ(decisions_.size(), StrangerBudget::kBurst);
  EXPECT_EQ(decisions_.back().unlogged, 0U);
  // Callers' decisions are all logged; the first says what was left out.
  Ask("GenerateRandom", {{"NumberOfBytes", 8}});
  ASSERT_EQ(decisions_.size(), StrangerBudget::kBurst + 1);
  EXPECT_EQ(decisions_.back().unlogged, 900U);
  EXPECT_EQ(decisions_.back().caller, "aggregator");
  for (int i = 0; i < 200; ++i) Ask("GenerateRandom", {{"NumberOfBytes", 8}});
  ASSERT_EQ(decisions_.size(), StrangerBudget::kBurst + 201);
  EXPECT_EQ(decisions_.back().unlogged, 0U);
  // One more for each minute; a clock that goes back gives nothing.
  for (int i = 0; i < 5; ++i) stranger(kForgeTime_ms + 2 * StrangerBudget::kEach_ms);
  ASSERT_EQ(decisions_.size(), StrangerBudget::kBurst + 203);
  for (int i = 0; i < 5; ++i) stranger(1);
  ASSERT_EQ(decisions_.size(), StrangerBudget::kBurst + 203);
}

TEST_F(BrokerTest, WhatCannotBeLoggedIsNotAnswered) {
  log_status_ = absl::DataLossError("disk");
  const json answer = Ask("GenerateRandom", {{"NumberOfBytes", 8}});
  EXPECT_EQ(status_, 500);
  EXPECT_EQ(answer["__type"], "KMSInternalException");
  EXPECT_EQ(answer.size(), 2U);
}

TEST_F(BrokerTest, EveryRequestOfACallerIsADecision) {
  const size_t before = decisions_.size();
  BlobOf("open", "x");
  Ask("GenerateRandom", {{"NumberOfBytes", 8}});
  Ask("CreateKey", json::object());
  broker_.Answer(std::string("c"), "", "", kForgeTime_ms);
  EXPECT_EQ(decisions_.size(), before + 4);
}

}  // namespace
}  // namespace sealfold
