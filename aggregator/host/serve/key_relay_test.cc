#include "aggregator/host/serve/key_relay.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"
#include "protocol/message/state_message.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

// A service's socket on this machine.
class KeyRelayTest : public ::testing::Test {
 protected:
  KeyRelayTest() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    SEALFOLD_CHECK(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                   listen(listener_.get(), 1) == 0);
    SEALFOLD_CHECK(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    endpoint_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    SEALFOLD_CHECK(WriteFileAtomic(folder_.Path("access"), "who asks").ok());
  }
  KeyRelay Relay() const {
    return KeyRelay({.endpoint = endpoint_, .access_key_path = folder_.Path("access")});
  }
  // What the relay says until it says `count` messages.
  static std::vector<Message> Wait(KeyRelay& relay, size_t count) {
    std::vector<Message> said;
    while (said.size() < count && relay.fd() >= 0) {
      pollfd item = {.fd = relay.fd(), .events = POLLIN, .revents = 0};
      if (relay.writes()) item.events |= POLLOUT;
      if (poll(&item, 1, 30'000) != 1) break;
      relay.OnReady(said);
    }
    return said;
  }
  static KeyBytes HeadOf(const Message& message) {
    return cbor::DecodeFields<KeyBytes>(message.head).value();
  }

  TempDir folder_;
  UniqueFd listener_;
  std::string endpoint_;
};

TEST_F(KeyRelayTest, BytesGoBothWaysAndTheLastOnesBeforeTheEnd) {
  KeyRelay relay = Relay();
  std::vector<Message> said;
  EXPECT_TRUE(relay.OnAggregator(ToMessage(KeyOpen{.call = 4}), said));
  ASSERT_EQ(said.size(), 1u);
  const KeyAccess access = cbor::DecodeFields<KeyAccess>(said[0].head).value();
  EXPECT_EQ(access.call, 4u);
  EXPECT_EQ(AsText(access.access_key), "who asks");
  const UniqueFd service(accept(listener_.get(), nullptr, nullptr));
  EXPECT_TRUE(relay.OnAggregator(ToMessage(KeyBytes{.call = 3}, Bytes{'x'}), said));  // of another
  EXPECT_TRUE(relay.OnAggregator(ToMessage(KeyBytes{.call = 4}, Bytes{'a', 's', 'k'}), said));
  char heard[8] = {};
  EXPECT_EQ(recv(service.get(), heard, sizeof(heard), 0), 3);
  EXPECT_STREQ(heard, "ask");
  EXPECT_EQ(send(service.get(), "answer", 6, 0), 6);
  shutdown(service.get(), SHUT_RDWR);
  const std::vector<Message> told = Wait(relay, 2);
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(AsText(told[0].bulk), "answer");
  EXPECT_FALSE(HeadOf(told[0]).end);
  EXPECT_TRUE(HeadOf(told[1]).end);
  EXPECT_EQ(HeadOf(told[1]).call, 4u);
}

// A name may have addresses where nobody listens, as localhost has in IPv6.
TEST_F(KeyRelayTest, AllAddressesOfANameAreTried) {
  endpoint_ = absl::StrCat("localhost:", endpoint_.substr(endpoint_.find(':') + 1));
  KeyRelay relay = Relay();
  std::vector<Message> said;
  relay.OnAggregator(ToMessage(KeyOpen{.call = 1}), said);
  relay.OnAggregator(ToMessage(KeyBytes{.call = 1}, Bytes{1, 2, 3}), said);
  ASSERT_EQ(said.size(), 1u);  // the access key
  pollfd listening = {.fd = listener_.get(), .events = POLLIN, .revents = 0};
  while (poll(&listening, 1, 0) == 0 && relay.fd() >= 0) {
    pollfd item = {.fd = relay.fd(), .events = POLLIN | POLLOUT, .revents = 0};
    ASSERT_EQ(poll(&item, 1, 30'000), 1);
    relay.OnReady(said);
  }
  ASSERT_GE(relay.fd(), 0);
  EXPECT_EQ(said.size(), 1u);
}

TEST_F(KeyRelayTest, MoreThanCanWaitEndsTheCall) {
  KeyRelay relay = Relay();
  std::vector<Message> said;
  relay.OnAggregator(ToMessage(KeyOpen{.call = 1}), said);
  relay.OnAggregator(ToMessage(KeyBytes{.call = 1}, Bytes(1 << 20)), said);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(HeadOf(said[1]).end);
  EXPECT_LT(relay.fd(), 0);
}

TEST_F(KeyRelayTest, WhereNobodyListensTheCallEnds) {
  listener_ = UniqueFd();
  KeyRelay relay = Relay();
  std::vector<Message> said;
  relay.OnAggregator(ToMessage(KeyOpen{.call = 1}), said);
  for (Message& more : Wait(relay, 1)) said.push_back(std::move(more));
  EXPECT_TRUE(HeadOf(said.back()).end);
  EXPECT_EQ(relay.fd(), -1);
}

TEST_F(KeyRelayTest, WithoutAServiceOrAnAccessKeyTheCallEndsAtOnce) {
  for (const KeyServiceOptions& options :
       {KeyServiceOptions{}, KeyServiceOptions{.endpoint = endpoint_, .access_key_path = "none"},
        KeyServiceOptions{.endpoint = "nowhere", .access_key_path = folder_.Path("access")}}) {
    KeyRelay relay(options);
    std::vector<Message> said;
    EXPECT_TRUE(relay.OnAggregator(ToMessage(KeyOpen{.call = 1}), said));
    ASSERT_EQ(said.size(), 1u);
    EXPECT_TRUE(HeadOf(said[0]).end);
  }
}

TEST_F(KeyRelayTest, OtherMessagesAreNotItsOwn) {
  KeyRelay relay = Relay();
  std::vector<Message> said;
  EXPECT_FALSE(relay.OnAggregator(ToMessage(Inspect{}), said));
  EXPECT_FALSE(relay.OnAggregator({.head = {1, 2}, .bulk = {}}, said));
  EXPECT_TRUE(said.empty());
}

}  // namespace
}  // namespace sealfold
