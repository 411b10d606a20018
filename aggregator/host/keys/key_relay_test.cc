#include "aggregator/host/keys/key_relay.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <memory>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
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
  KeyServiceOptions Options() const {
    return {.endpoint = endpoint_, .access_key_path = folder_.Path("access")};
  }
  KeyRelay Relay() const { return KeyRelay(Options()); }
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
  // What the relay says to a call that is opened, once it knows where the service is.
  static std::vector<Message> Open(KeyRelay& relay, uint64_t call) {
    std::vector<Message> said;
    EXPECT_TRUE(relay.OnAggregator(ToMessage(KeyOpen{.call = call}), said));
    if (said.empty()) said = Wait(relay, 1);
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
  std::vector<Message> said = Open(relay, 4);
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
  std::vector<Message> said = Open(relay, 1);
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
  std::vector<Message> said = Open(relay, 1);
  relay.OnAggregator(ToMessage(KeyBytes{.call = 1}, Bytes(1 << 20)), said);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(HeadOf(said[1]).end);
  EXPECT_LT(relay.fd(), 0);
}

// A service that never stops fills no memory of the host.
TEST_F(KeyRelayTest, ALongAnswerComesInPiecesThatAreBounded) {
  KeyRelay relay = Relay();
  std::vector<Message> said = Open(relay, 1);
  const UniqueFd service(accept(listener_.get(), nullptr, nullptr));
  relay.OnAggregator(ToMessage(KeyBytes{.call = 1}, Bytes(1)), said);
  const Bytes some(4096);
  size_t sent = 0;
  for (ssize_t size = 0; size >= 0;) {
    size = send(service.get(), some.data(), some.size(), MSG_DONTWAIT);
    if (size > 0) sent += static_cast<size_t>(size);
  }
  constexpr size_t kAtOnceMax = 256 << 10;
  ASSERT_GT(sent, 2 * kAtOnceMax);
  for (size_t heard = 0; heard < sent;) {
    said = Wait(relay, 1);
    size_t at_once = 0;
    for (const Message& message : said) at_once += message.bulk.size();
    ASSERT_GT(at_once, 0u);
    ASSERT_LE(at_once, kAtOnceMax);
    heard += at_once;
  }
}

TEST_F(KeyRelayTest, WhereNobodyListensTheCallEnds) {
  listener_ = UniqueFd();
  KeyRelay relay = Relay();
  std::vector<Message> said = Open(relay, 1);
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

TEST_F(KeyRelayTest, WhatCanBeNoServiceIsToldBefore) {
  const std::string readable = "/proc/self/status";
  EXPECT_TRUE(CheckKeyService({}).ok());
  EXPECT_TRUE(CheckKeyService({"keys.example.org:8443", readable}).ok());
  EXPECT_EQ(ErrorCode(CheckKeyService({"keys.example.org", readable})), "endpoint_invalid");
  EXPECT_EQ(ErrorCode(CheckKeyService({"keys.example.org:8443", "/none"})), "file_unusable");
}

TEST_F(KeyRelayTest, ANameWithoutAnAddressEndsTheCall) {
  KeyRelay relay(Options(), [](const HostPort&) { return std::vector<SocketAddress>(); });
  const std::vector<Message> said = Open(relay, 1);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(HeadOf(said[0]).end);
  EXPECT_EQ(relay.fd(), -1);
}

// A resolver that has no answer until it is let.
class SlowNameTest : public KeyRelayTest {
 protected:
  struct Gate {
    std::promise<void> open;
    std::atomic<int> asked = 0;
  };
  ~SlowNameTest() override {
    if (!opened_) gate_->open.set_value();
  }
  void Answer() {
    opened_ = true;
    gate_->open.set_value();
  }

  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  bool opened_ = false;
  KeyRelay relay_{Options(), [gate = gate_](const HostPort& at) {
                    if (gate->asked++ == 0) {
                      // In the end by itself: who waited for it is told so, not kept.
                      gate->open.get_future().wait_for(std::chrono::seconds(10));
                    }
                    return ResolveName(at);
                  }};
  std::vector<Message> said_;
};

TEST_F(SlowNameTest, KeepsNobodyWaitingAndAnswersTheNewestCall) {
  relay_.OnAggregator(ToMessage(KeyOpen{.call = 1}), said_);
  relay_.OnAggregator(ToMessage(KeyOpen{.call = 2}), said_);
  relay_.OnReady(said_);
  EXPECT_TRUE(said_.empty());
  EXPECT_FALSE(relay_.writes());
  Answer();
  said_ = Wait(relay_, 1);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_EQ(cbor::DecodeFields<KeyAccess>(said_[0].head).value().call, 2u);
  EXPECT_EQ(gate_->asked, 1);
  // The next call looks it up anew.
  EXPECT_EQ(Open(relay_, 3).size(), 1u);
  EXPECT_EQ(gate_->asked, 2);
}

TEST_F(SlowNameTest, ACallThatIsOverMeanwhileIsNotAnswered) {
  for (const bool gone : {false, true}) {
    relay_.OnAggregator(ToMessage(KeyOpen{.call = 1}), said_);
    if (gone) {
      relay_.OnAggregatorGone();
    } else {
      relay_.OnAggregator(ToMessage(KeyBytes{.call = 1, .end = true}), said_);
    }
    if (!opened_) Answer();
    EXPECT_TRUE(Wait(relay_, 1).empty());
    EXPECT_EQ(relay_.fd(), -1);
    EXPECT_TRUE(said_.empty());
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
