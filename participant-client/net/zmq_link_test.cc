#include "participant-client/net/zmq_link.h"

#include <gtest/gtest.h>
#include <zmq.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kWaitMs = 10'000;

// A ROUTER on a free port of loopback.
class Router {
 public:
  Router() : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_ROUTER)) {
    const int linger = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof(linger));
    const int timeout_ms = kWaitMs;
    zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &timeout_ms, sizeof(timeout_ms));
    SEALFOLD_CHECK(zmq_bind(socket_, "tcp://127.0.0.1:*") == 0);
  }
  ~Router() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  std::string endpoint() const {
    char text[256];
    size_t size = sizeof(text);
    SEALFOLD_CHECK(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, text, &size) == 0);
    return text;
  }
  // All frames of the next message.
  std::vector<Bytes> Receive() {
    std::vector<Bytes> frames;
    int more = 1;
    while (more != 0) {
      Bytes frame(4 << 20);
      const int size = zmq_recv(socket_, frame.data(), frame.size(), 0);
      if (size < 0) return {};
      frame.resize(static_cast<size_t>(size));
      frames.push_back(frame);
      size_t option_size = sizeof(more);
      zmq_getsockopt(socket_, ZMQ_RCVMORE, &more, &option_size);
    }
    return frames;
  }
  void Send(const std::vector<Bytes>& frames) {
    for (size_t i = 0; i < frames.size(); ++i) {
      zmq_send(socket_, frames[i].data(), frames[i].size(),
               i + 1 < frames.size() ? ZMQ_SNDMORE : 0);
    }
  }

 private:
  void* context_;
  void* socket_;
};

class ZmqLinkTest : public ::testing::Test {
 protected:
  ZmqLinkTest() {
    auto link = ConnectZmq(router_.endpoint());
    SEALFOLD_CHECK(link.ok());
    link_ = *std::move(link);
    SEALFOLD_CHECK(link_->Send({.head = {1}, .bulk = {}}).ok());
    session_ = router_.Receive()[0];
  }

  Router router_;
  std::unique_ptr<Link> link_;
  Bytes session_;
};

TEST_F(ZmqLinkTest, CarriesHeadAndBulkBothWays) {
  const Bytes bulk(kMessageBulkBytesMax, 7);
  ASSERT_TRUE(link_->Send({.head = {1, 2}, .bulk = bulk}).ok());
  const std::vector<Bytes> frames = router_.Receive();
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[1], (Bytes{1, 2}));
  EXPECT_EQ(frames[2], bulk);

  router_.Send({session_, {3}, bulk});
  auto received = link_->Receive(kWaitMs);
  ASSERT_TRUE(received.ok() && received->has_value());
  EXPECT_EQ((*received)->head, Bytes{3});
  EXPECT_EQ((*received)->bulk, bulk);
}

TEST_F(ZmqLinkTest, WhatIsNoMessageIsAsGoodAsLost) {
  router_.Send({session_, {3}, {4}, {5}});
  router_.Send({session_, Bytes(kMessageHeadBytesMax + 1, 1), {}});
  router_.Send({session_, {6}, {}});
  int empty = 0;
  while (true) {
    auto received = link_->Receive(kWaitMs);
    ASSERT_TRUE(received.ok());
    if (received->has_value()) {
      EXPECT_EQ((*received)->head, Bytes{6});
      break;
    }
    ASSERT_LT(++empty, 3);
  }
  EXPECT_EQ(empty, 2);
}

TEST_F(ZmqLinkTest, NothingThereIsNoError) {
  auto received = link_->Receive(0);
  ASSERT_TRUE(received.ok());
  EXPECT_FALSE(received->has_value());
}

TEST(ZmqLink, APeerThatIsNotThereIsSilence) {
  auto link = ConnectZmq("ipc:///tmp/sealfold-nobody-listens-here");
  ASSERT_TRUE(link.ok());
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE((*link)->Send({.head = {1}, .bulk = {}}).ok());
  EXPECT_FALSE((*link)->Receive(1)->has_value());
}

TEST(ZmqLink, AnEndpointOfAnotherFormIsExplained) {
  for (const char* endpoint : {"", "localhost:1", "tcp://", "tcp://127.0.0.1", "smtp://x:1"}) {
    EXPECT_EQ(ErrorCode(ConnectZmq(endpoint).status()), "endpoint_invalid") << endpoint;
  }
}

}  // namespace
}  // namespace sealfold
