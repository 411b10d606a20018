#include "aggregator/enclave/key_link.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

class KeySettingsTest : public ::testing::Test {
 protected:
  // What is wrong with the settings, or "".
  std::string Wrong(const std::string& region, const std::string& key_id) {
    KeySettings settings{
        .service = {.host = "kms.example",
                    .ca_pem =
                        ReadFile(SEALFOLD_TEST_DATA "/attestation/aws-nitro-root-g1.pem", 1 << 20)
                            .value()},
        .region = region,
        .key_id = key_id};
    return ErrorCode(CheckKeySettings(settings));
  }
};

TEST_F(KeySettingsTest, AwayFromAnOwnBrokerAKeyIsNamedWithItsAccount) {
  const std::string arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd";
  EXPECT_EQ(Wrong("local", "alias/state"), "");
  EXPECT_EQ(Wrong("local", arn), "");
  for (const char* region : {"eu-central-1", "cn-north-1", "LOCAL", ""}) {
    EXPECT_EQ(Wrong(region, "alias/state"), "key_id_ambiguous") << region;
    EXPECT_EQ(Wrong(region, "1234abcd"), "key_id_ambiguous") << region;
    EXPECT_EQ(Wrong(region, arn), "") << region;
  }
}

TEST_F(KeySettingsTest, WithoutCertificatesNothingIsTrusted) {
  EXPECT_EQ(ErrorCode(CheckKeySettings({.service = {.host = "x", .ca_pem = "none"}})),
            "ca_malformed");
}

}  // namespace
}  // namespace sealfold
