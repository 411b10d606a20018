#include "aggregator/enclave/key_link.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "aggregator/core/testing/sample_host.h"
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

// A device that does not answer until it is let.
class KeyLinkTest : public ::testing::Test {
 protected:
  ~KeyLinkTest() override { Open(); }
  void Open() {
    if (!std::exchange(open_, true)) gate_.set_value();
  }
  void AskAndReach(uint64_t token) {
    const int begun = begun_;
    Actions actions;
    link_.Ask({.token = token}, actions);
    ASSERT_EQ(actions.size(), 1U);
    const auto open = testing::As<KeyOpen>(std::get<SendMessage>(actions[0]).message);
    ASSERT_TRUE(link_.OnHost(testing::Encode(KeyAccess{.call = open.call, .access_key = access_}),
                             actions));
    while (begun_ == begun) std::this_thread::yield();
  }

  bool open_ = false;
  std::promise<void> gate_;
  std::shared_future<void> opened_ = gate_.get_future().share();
  std::atomic<int> begun_ = 0;
  std::atomic<int> ended_ = 0;
  const Bytes access_ = ToBytes(AsBytes(
      R"({"format": "sealfold-access-key-1", "access_key_id": "A", "secret_access_key": "s"})"));
  KeyLink link_{{}, [this]() -> absl::StatusOr<std::unique_ptr<Attester>> {
                  ++begun_;
                  // In the end by itself: who waited for it is told so, not kept.
                  opened_.wait_for(std::chrono::seconds(10));
                  ++ended_;
                  return PeerError({.code = "attester_unavailable", .what = "device"});
                }};
};

TEST_F(KeyLinkTest, ADeviceThatDoesNotAnswerKeepsNoStartWaiting) {
  AskAndReach(1);
  AskAndReach(2);
  EXPECT_EQ(ended_, 0);
  Actions actions;
  link_.OnHostConnected(actions);  // ends the question too
  EXPECT_EQ(ended_, 0);
  const auto lost = link_.TakeAnswer();
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->token, 2U);
  EXPECT_EQ(ErrorCode(lost->key.status()), "key_service_unreachable");
  EXPECT_EQ(link_.fd(), -1);
}

TEST_F(KeyLinkTest, ThreadsThatWaitForADeviceAreBounded) {
  for (uint64_t token = 0; token <= KeyLink::kAbandonedMax; ++token) AskAndReach(token);
  Actions actions;
  link_.Ask({.token = 100}, actions);
  const auto refused = link_.TakeAnswer();
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->token, 100U);
  EXPECT_EQ(ErrorCode(refused->key.status()), "attester_busy");
  EXPECT_EQ(ended_, 0);
  Open();
  // Their threads end by themselves, and then it may be asked again.
  while (ended_ <= static_cast<int>(KeyLink::kAbandonedMax)) std::this_thread::yield();
  do {
    actions.clear();
    link_.Ask({.token = 101}, actions);
  } while (link_.TakeAnswer().has_value());
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(testing::TypeOf(std::get<SendMessage>(actions[0]).message), "key-open");
}

}  // namespace
}  // namespace sealfold
