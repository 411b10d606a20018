#include "attest/keybroker/store/key_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_list.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

namespace sealfold {
namespace {

constexpr PassphraseCost kCheap = {.operations = 1, .memory_kib = 8};
constexpr absl::string_view kPassphrase = "correct horse battery staple";

class KeyStoreTest : public ::testing::Test {
 protected:
  KeyStoreTest()
      : chain_(Chain::Make()),
        store_(KeyStore::Create({{.platform = "aws-nitro"},
                                 {.platform = "sealfold-softnsm", .root_pem = chain_.root.Pem()}})
                   .value()) {}
  static std::vector<Condition> Pcr0(char digit = 'a') {
    return {{.key = "kms:RecipientAttestation:PCR0", .values = {std::string(96, digit)}}};
  }
  absl::StatusOr<KeyStore> Again(absl::string_view passphrase = kPassphrase) const {
    return KeyStore::Open(AsBytes(passphrase), store_.Seal(AsBytes(kPassphrase), kCheap).value());
  }

  Chain chain_;
  KeyStore store_;
};

TEST_F(KeyStoreTest, ComesBackFromItsSeal) {
  const KeyId first = store_.AddKey("first", false, Pcr0()).value();
  const KeyId second = store_.AddKey("second", true, {}).value();
  const std::string caller = store_.AddCaller("aggregator").value();
  const absl::StatusOr<KeyStore> again = Again();
  ASSERT_TRUE(again.ok()) << again.status();
  ASSERT_EQ(again->keys().size(), 2U);
  EXPECT_EQ(again->trust().size(), 2U);
  for (const KeyId& id : {first, second}) {
    const KeyRecord* key = again->FindKey(id);
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(again->FindKey(KeyIdText(id)), key);
    EXPECT_EQ(again->FindKey("alias/" + key->name), key);
    EXPECT_EQ(again->SecretOf(*key).span(), store_.SecretOf(*store_.FindKey(id)).span());
  }
  EXPECT_FALSE(again->FindKey(first)->unattested);
  EXPECT_EQ(again->FindKey(first)->conditions[0].values[0], std::string(96, 'a'));
  EXPECT_TRUE(again->FindKey(second)->unattested);
  const CallerRecord* found = again->FindCaller(caller);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "aggregator");
  EXPECT_EQ(again->SecretOf(*found).size(), 40U);
  EXPECT_EQ(again->SecretOf(*found).span(), store_.SecretOf(*store_.FindCaller(caller)).span());
  EXPECT_EQ(again->FindKey("first"), nullptr);
  EXPECT_EQ(again->FindKey("alias/none"), nullptr);
  EXPECT_EQ(again->FindCaller("none"), nullptr);
}

TEST_F(KeyStoreTest, ASealHidesAndBindsAll) {
  ASSERT_TRUE(store_.AddKey("first", false, Pcr0()).ok());
  const Bytes sealed = store_.Seal(AsBytes(kPassphrase), kCheap).value();
  EXPECT_EQ(AsText(sealed).find("first"), absl::string_view::npos);
  EXPECT_NE(store_.Seal(AsBytes(kPassphrase), kCheap).value(), sealed);
  EXPECT_EQ(ErrorCode(Again("another").status()), "passphrase_wrong");
  // The magic and the cost say what to do; every other byte is bound.
  for (size_t i = 0; i < sealed.size(); i += 3) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    const std::string code = ErrorCode(KeyStore::Open(AsBytes(kPassphrase), changed).status());
    EXPECT_EQ(code, i < 13 && code == "store_malformed" ? code : "passphrase_wrong") << i;
  }
  for (size_t size : {size_t{0}, size_t{5}, size_t{60}, sealed.size() - 1}) {
    EXPECT_FALSE(KeyStore::Open(AsBytes(kPassphrase), ByteSpan(sealed).first(size)).ok());
  }
  Bytes costly = sealed;
  costly[5] = 0xff;  // 2^32 operations: refused, not done
  EXPECT_EQ(ErrorCode(KeyStore::Open(AsBytes(kPassphrase), costly).status()), "store_malformed");
}

TEST_F(KeyStoreTest, AKeyHasConditionsOrIsMarked) {
  EXPECT_EQ(ErrorCode(store_.AddKey("k", false, {}).status()), "key_unguarded");
  EXPECT_EQ(ErrorCode(store_.AddKey("k", true, Pcr0()).status()), "key_unguarded");
  EXPECT_EQ(
      ErrorCode(store_.AddKey("k", false, {{.key = "kms:ViaService", .values = {"x"}}}).status()),
      "condition_unknown");
  EXPECT_EQ(ErrorCode(store_.AddKey("k", false, Pcr0('0')).status()), "policy_register_zero");
  EXPECT_TRUE(store_.keys().empty());
  EXPECT_EQ(ErrorCode(store_
                          .AddKey("k", false,
                                  {{.key = "kms:RecipientAttestation:NitroTPMPCR4",
                                    .values = {std::string(96, 'a')}}})
                          .status()),
            "key_unreachable");
}

// What a store would have to hold that was not made by AddKey: a record is looked at on load too.
TEST_F(KeyStoreTest, AnUnguardedKeyIsRefusedOnLoad) {
  ASSERT_TRUE(store_.AddKey("k", true, {}).ok());
  const_cast<KeyRecord&>(store_.keys()[0]).unattested = false;
  EXPECT_EQ(ErrorCode(Again().status()), "key_unguarded");
}

TEST_F(KeyStoreTest, NamesAreWellFormedAndUnique) {
  ASSERT_TRUE(store_.AddKey("first-key_1", true, {}).ok());
  EXPECT_EQ(ErrorCode(store_.AddKey("first-key_1", true, {}).status()), "name_taken");
  for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a b"),
                                  std::string("a/b"), std::string("\xc3\xa4")}) {
    EXPECT_EQ(ErrorCode(store_.AddKey(name, true, {}).status()), "name_malformed") << name;
    EXPECT_EQ(ErrorCode(store_.AddCaller(name).status()), "name_malformed") << name;
  }
  std::set<std::string> ids;
  for (int i = 0; i < 10; ++i) ids.insert(store_.AddCaller(absl::StrCat("c", i)).value());
  EXPECT_EQ(ids.size(), 10U);
  EXPECT_EQ(ErrorCode(store_.AddCaller("c3").status()), "name_taken");
  for (const std::string& id : ids) EXPECT_EQ(id.size(), 20U);
}

TEST_F(KeyStoreTest, RevocationListsComeBackToo) {
  const Chain chain = Chain::Make(ListingChainSpec());
  const Bytes list = ForgeList({}, chain.root, chain.issuer_keys[0].get());
  const auto lists = std::make_shared<const RevocationLists>(RevocationLists{
      .lists = ParseLists({list}), .accept_expired = true, .demand = ListDemand::kEvery});
  ASSERT_TRUE(store_.SetRevocation("sealfold-softnsm", lists).ok());
  EXPECT_EQ(store_.trust()[0].revocation, nullptr);
  absl::StatusOr<KeyStore> again = Again();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->trust()[0].revocation, nullptr);
  ASSERT_NE(again->trust()[1].revocation, nullptr);
  const RevocationLists& found = *again->trust()[1].revocation;
  ASSERT_EQ(found.lists.size(), 1U);
  EXPECT_EQ(found.lists[0].der(), list);
  EXPECT_TRUE(found.accept_expired);
  EXPECT_EQ(found.demand, ListDemand::kEvery);

  ASSERT_TRUE(again->SetRevocation("", lists).ok());
  EXPECT_EQ(again->trust()[0].revocation, lists);
  ASSERT_TRUE(again->SetRevocation("", nullptr).ok());
  EXPECT_EQ(again->trust()[1].revocation, nullptr);
  EXPECT_EQ(ErrorCode(again->SetRevocation("aws-nitrotpm", lists)), "platform_untrusted");
}

// What a store's content was before there were revocation lists, and keys that follow releases:
// records without these members. Such a store opens, and means what it meant.
TEST_F(KeyStoreTest, AStoreOfBeforeThereWereListsAndReleasesOpens) {
  using cbor::Value;
  const auto text = [](absl::string_view value) { return Value::Text(std::string(value)); };
  const Bytes id(KeyId::kSize, 0x11);
  const auto content = [&](absl::string_view type, cbor::Map trust) {
    Value key = Value::OfMap(
        {{text("id"), Value::OfBytes(id)},
         {text("name"), text("first")},
         {text("unattested"), Value::Bool(false)},
         {text("conditions"),
          Value::OfArray(
              {Value::OfMap({{text("key"), text("kms:RecipientAttestation:PCR0")},
                             {text("values"), Value::OfArray({text(std::string(96, 'a'))})}})})}});
    Value caller = Value::OfMap(
        {{text("access_key_id"), text("SFKBAAAAAAAAAAAAAAAA")}, {text("name"), text("hospital")}});
    const Bytes records = cbor::Encode(
        Value::OfMap({{text("type"), text(type)},
                      {text("trust"), Value::OfArray({Value::OfMap(std::move(trust))})},
                      {text("keys"), Value::OfArray({std::move(key)})},
                      {text("callers"), Value::OfArray({std::move(caller)})}}));
    Bytes out(8);
    StoreBigEndian64(MutableByteSpan(out), records.size());
    Append(out, records);
    Append(out, Bytes(32, 0x22));  // the key's secret
    Append(out, Bytes(40, 'x'));   // the caller's
    return Secret::CopyOf(out);
  };
  const cbor::Map nitro = {{text("platform"), text("aws-nitro")}, {text("root_pem"), text("")}};
  const absl::StatusOr<KeyStore> store = KeyStore::Decode(content("sealfold-keystore-1", nitro));
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_EQ(store->trust().size(), 1U);
  EXPECT_EQ(store->trust()[0].platform, "aws-nitro");
  EXPECT_EQ(store->trust()[0].revocation, nullptr);
  ASSERT_EQ(store->keys().size(), 1U);
  EXPECT_FALSE(store->keys()[0].releases.has_value());
  EXPECT_EQ(store->SecretOf(store->keys()[0]).span(), ByteSpan(Bytes(32, 0x22)));
  EXPECT_NE(store->FindCaller("SFKBAAAAAAAAAAAAAAAA"), nullptr);
  // Written again it is the same: no list is not a list of none.
  EXPECT_EQ(store->Encode()->span(), content("sealfold-keystore-1", nitro).span());
  // Of a format to come nothing is guessed.
  EXPECT_EQ(ErrorCode(KeyStore::Decode(content("sealfold-keystore-2", nitro)).status()),
            "message_type");
  cbor::Map more = nitro;
  more.emplace_back(text("more"), Value::Bool(true));
  EXPECT_EQ(ErrorCode(KeyStore::Decode(content("sealfold-keystore-1", more)).status()),
            "field_unknown");
}

// A store that could not be opened again would be lost.
TEST_F(KeyStoreTest, MoreListsThanAStoreHoldsAreRefused) {
  const Chain chain = Chain::Make(ListingChainSpec());
  const std::vector<RevocationList> one =
      ParseLists({ForgeList({.revoked = std::vector<Certificate>(4000, chain.leaf)}, chain.root,
                            chain.issuer_keys[0].get())});
  RevocationLists many;
  while (many.lists.size() * one[0].der().size() <= kTrustListsBytesMax) {
    many.lists.push_back(one[0]);
  }
  const auto too_many = std::make_shared<const RevocationLists>(many);
  many.lists.pop_back();
  const auto enough = std::make_shared<const RevocationLists>(many);
  EXPECT_EQ(ErrorCode(store_.SetRevocation("aws-nitro", too_many)), "trust_lists_large");
  EXPECT_EQ(store_.trust()[0].revocation, nullptr);
  EXPECT_EQ(ErrorCode(store_.SetRevocation("", enough)), "trust_lists_large");
  ASSERT_TRUE(store_.SetRevocation("aws-nitro", enough).ok());
  EXPECT_TRUE(Again().ok());
}

TEST_F(KeyStoreTest, AStoreThatCouldNotBeOpenedAgainIsNotSealed) {
  std::vector<std::string> values;
  for (int i = 0; i < 256; ++i) {
    values.push_back(absl::StrCat(absl::Hex(i, absl::kZeroPad2), std::string(94, 'a')));
  }
  absl::Status sealed;
  int keys = 0;
  for (; sealed.ok() && keys < 200; ++keys) {
    ASSERT_TRUE(store_
                    .AddKey(absl::StrCat("k", keys), false,
                            {{.key = "kms:RecipientAttestation:PCR0", .values = values}})
                    .ok());
    if (keys < 160) continue;
    sealed = store_.Seal(AsBytes(kPassphrase), kCheap).status();
    ASSERT_TRUE(!sealed.ok() || Again().ok()) << keys;
  }
  EXPECT_EQ(ErrorCode(sealed), "store_full") << keys;
}

TEST_F(KeyStoreTest, TrustIsWhatThisBuildCanVerify) {
  EXPECT_EQ(ErrorCode(KeyStore::Create({}).status()), "store_trust_empty");
  EXPECT_EQ(ErrorCode(KeyStore::Create({{.platform = "another"}}).status()),
            "policy_platform_unknown");
  EXPECT_EQ(ErrorCode(KeyStore::Create({{.platform = "sealfold-softnsm"}}).status()),
            "policy_root_missing");
  EXPECT_EQ(
      ErrorCode(
          KeyStore::Create({{.platform = "aws-nitro", .root_pem = chain_.root.Pem()}}).status()),
      "policy_root_unexpected");
}

}  // namespace
}  // namespace sealfold
