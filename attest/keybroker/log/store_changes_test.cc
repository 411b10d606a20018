#include "attest/keybroker/log/store_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "attest/testing/forge/forge.h"

namespace sealfold {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreChangesTest : public ::testing::Test {
 protected:
  // What is logged since it was asked last: "operation platform-or-name".
  std::vector<std::string> Changes() {
    decisions_ = StoreChanges(before_, RecordsOf(store_), 7);
    before_ = RecordsOf(store_);
    std::vector<std::string> out;
    for (const Decision& each : decisions_) {
      EXPECT_EQ(each.caller, kAdministrator);
      EXPECT_EQ(each.time_ms, 7U);
      EXPECT_TRUE(each.allowed);
      out.push_back(each.operation + " " + each.platform + each.name);
    }
    return out;
  }

  const Chain chain_ = Chain::Make();
  StoreRecords before_;
  KeyStore store_ =
      KeyStore::Create({{.platform = "aws-nitro"},
                        {.platform = "sealfold-softnsm", .root_pem = chain_.root.Pem()}})
          .value();
  std::vector<Decision> decisions_;
};

TEST_F(StoreChangesTest, WhatIsNewIsSaid) {
  EXPECT_THAT(Changes(), ElementsAre("TrustPlatform aws-nitro", "TrustPlatform sealfold-softnsm"));
  EXPECT_THAT(Changes(), IsEmpty());
  const KeyId open = store_.AddKey("open", true, {}).value();
  const std::string caller = store_.AddCaller("hospital").value();
  EXPECT_THAT(Changes(), ElementsAre("CreateKey open", "CreateCaller hospital"));
  EXPECT_EQ(decisions_[0].key, KeyIdText(open));
  EXPECT_EQ(decisions_[0].caveat, "released without evidence");
  EXPECT_EQ(decisions_[0].evidence.size(), 64U);
  EXPECT_EQ(decisions_[1].key, caller);
  EXPECT_EQ(decisions_[1].caveat, "");
  EXPECT_THAT(Changes(), IsEmpty());
  ASSERT_TRUE(
      store_
          .AddKey("attested", false,
                  {{.key = "kms:RecipientAttestation:PCR0", .values = {std::string(96, 'a')}}})
          .ok());
  EXPECT_THAT(Changes(), ElementsAre("CreateKey attested"));
  EXPECT_EQ(decisions_[0].caveat, "");
}

TEST_F(StoreChangesTest, ListsThatAreSetAreSaidOncePerPlatform) {
  Changes();
  const auto lists =
      std::make_shared<const RevocationLists>(RevocationLists{.demand = ListDemand::kEvery});
  ASSERT_TRUE(store_.SetRevocation("", lists).ok());
  EXPECT_THAT(Changes(), ElementsAre("SetRevocation aws-nitro", "SetRevocation sealfold-softnsm"));
  const std::string with_lists = decisions_[0].evidence;
  ASSERT_TRUE(store_.SetRevocation("aws-nitro", nullptr).ok());
  EXPECT_THAT(Changes(), ElementsAre("SetRevocation aws-nitro"));
  EXPECT_NE(decisions_[0].evidence, with_lists);
}

// As where an older store is put back in its place.
TEST_F(StoreChangesTest, WhatIsGoneOrAnotherIsSaidToo) {
  ASSERT_TRUE(store_.AddKey("first", true, {}).ok());
  ASSERT_TRUE(store_.AddCaller("hospital").ok());
  Changes();
  StoreRecords other = RecordsOf(store_);
  other.keys[0].name = "second";
  other.callers.clear();
  other.trust.pop_back();
  const std::vector<Decision> decisions = StoreChanges(RecordsOf(store_), other, 7);
  ASSERT_EQ(decisions.size(), 3U);
  EXPECT_EQ(decisions[0].operation, "DistrustPlatform");
  EXPECT_EQ(decisions[0].platform, "sealfold-softnsm");
  EXPECT_EQ(decisions[1].operation, "ChangeKey");
  EXPECT_EQ(decisions[1].name, "second");
  EXPECT_EQ(decisions[2].operation, "RemoveCaller");
  EXPECT_EQ(decisions[2].name, "hospital");
  EXPECT_EQ(decisions[2].evidence, "");
}

}  // namespace
}  // namespace sealfold
