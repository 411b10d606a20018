#include "attest/keybroker/demand/key_releases.h"

#include <gtest/gtest.h>

#include "attest/keybroker/store/key_store.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

SigningKey Key(uint8_t n) { return SigningKey::FromSeed(testing::SeedOf(n)); }

Release Make(uint64_t version, const std::vector<uint8_t>& signers,
             const std::string& subject = "sealfold-aggregator") {
  const auto build = static_cast<uint8_t>(version);
  const Bytes statement = EncodeStatement(
      {.subject = subject,
       .sha256 = Sha256(AsBytes("a build")),
       .sha384 = Sha384(AsBytes("a build")),
       .version = version,
       .source = "v",
       .builder = "a builder",
       .platforms = {
           {.platform = "aws-nitro",
            .registers = {{.index = 0, .value = Bytes(48, build)},
                          {.index = 8, .value = Bytes(48, 0x22)}}},
           {.platform = "aws-nitrotpm", .registers = {{.index = 4, .value = Bytes(48, build)}}},
           {.platform = "tpm2", .registers = {{.index = 4, .value = Bytes(32, build)}}},
           {.platform = "tpm2", .registers = {{.index = 4, .value = Bytes(48, build)}}}}});
  ReleaseFile file;
  for (const uint8_t n : signers) file.statements.push_back(SignStatement(Key(n), statement));
  return OpenRelease(cbor::EncodeFields(file)).value();
}

class KeyReleasesTest : public ::testing::Test {
 protected:
  std::string Apply(const Release& release) {
    return ErrorCode(store.ApplyRelease("state", release));
  }
  std::string Value(absl::string_view key) const {
    for (const Condition& each : store.FindKey("alias/state")->conditions) {
      if (each.key == key) return each.values.at(0);
    }
    return "";
  }

  KeyReleases releases = {
      .platform = "aws-nitro",
      .subject = "sealfold-aggregator",
      .signers = {Key(1).public_key(), Key(2).public_key(), Key(3).public_key()},
      .k = 2};
  KeyStore store =
      KeyStore::Create({{.platform = "aws-nitro"}, {.platform = "aws-nitrotpm"}}).value();
};

TEST_F(KeyReleasesTest, ALaterReleaseTakesThePlaceOfTheOneInForce) {
  ASSERT_TRUE(store.AddReleasedKey("state", releases, Make(7, {1, 2})).ok());
  EXPECT_EQ(Value("kms:RecipientAttestation:PCR0"), HexEncode(Bytes(48, 7)));
  EXPECT_EQ(Value("kms:RecipientAttestation:PCR8"), HexEncode(Bytes(48, 0x22)));
  const Bytes before = ToBytes(store.SecretOf(*store.FindKey("alias/state")).span());
  EXPECT_EQ(Apply(Make(8, {2, 3})), "");
  EXPECT_EQ(Value("kms:RecipientAttestation:PCR0"), HexEncode(Bytes(48, 8)));
  EXPECT_EQ(store.SecretOf(*store.FindKey("alias/state")).span(), ByteSpan(before));

  // It stays so when the store is opened again.
  constexpr PassphraseCost kCheap = {.operations = 1, .memory_kib = 8};
  store = KeyStore::Open(AsBytes("passphrase"), store.Seal(AsBytes("passphrase"), kCheap).value())
              .value();
  EXPECT_EQ(store.FindKey("alias/state")->releases->version, 8u);
  EXPECT_EQ(Apply(Make(7, {1, 2, 3})), "release_version");
  EXPECT_EQ(Apply(Make(8, {1, 2, 3})), "release_version");
  EXPECT_EQ(Value("kms:RecipientAttestation:PCR0"), HexEncode(Bytes(48, 8)));
}

TEST_F(KeyReleasesTest, NothingElseChangesAKey) {
  ASSERT_TRUE(store.AddReleasedKey("state", releases, Make(7, {1, 2})).ok());
  EXPECT_EQ(Apply(Make(8, {1})), "release_signers");
  EXPECT_EQ(Apply(Make(8, {1, 4})), "release_signers");
  EXPECT_EQ(Apply(Make(8, {1, 2}, "another-program")), "release_subject");
  EXPECT_EQ(Value("kms:RecipientAttestation:PCR0"), HexEncode(Bytes(48, 7)));
  EXPECT_EQ(store.FindKey("alias/state")->releases->version, 7u);
  ASSERT_TRUE(
      store.AddKey("fixed", false, ConditionsFor(EvidenceKind::kEnclave, {{0, Bytes(48, 1)}}))
          .ok());
  EXPECT_EQ(ErrorCode(store.ApplyRelease("fixed", Make(8, {1, 2}))), "key_fixed");
  EXPECT_EQ(ErrorCode(store.ApplyRelease("none", Make(8, {1, 2}))), "key_name_unknown");
}

TEST_F(KeyReleasesTest, AFirstReleaseIsHeldToTheRulesToo) {
  const auto code = [this](const Release& first) {
    return ErrorCode(store.AddReleasedKey("state", releases, first).status());
  };
  EXPECT_EQ(code(Make(7, {1})), "release_signers");
  releases.k = 4;
  EXPECT_EQ(code(Make(7, {1, 2, 3})), "policy_release_k");
  releases.k = 2;
  releases.platform = "sealfold-softnsm";
  EXPECT_EQ(code(Make(7, {1, 2})), "release_platform");
  releases.platform = "tpm2";  // which no store trusts
  EXPECT_EQ(code(Make(7, {1, 2})), "release_banks");
  releases.platform = "aws-nitro";
  releases.log_key = Key(9).public_key();
  EXPECT_EQ(code(Make(7, {1, 2})), "release_not_logged");
  releases.log_key.reset();
  releases.platform = "aws-nitrotpm";
  EXPECT_EQ(code(Make(7, {1, 2})), "");
  EXPECT_EQ(Value("kms:RecipientAttestation:NitroTPMPCR4"), HexEncode(Bytes(48, 7)));
}

}  // namespace
}  // namespace sealfold
