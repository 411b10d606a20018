#include "aggregator/host/control/client.h"

#include <gtest/gtest.h>

#include <thread>
#include <zmq.hpp>

#include "aggregator/host/control/control_message.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// What is heard from a host that answers with so many bytes beside the head.
absl::StatusOr<Message> AnswerOf(size_t bulk_bytes, int timeout_ms) {
  zmq::context_t context{1};
  zmq::socket_t host(context, zmq::socket_type::router);
  host.set(zmq::sockopt::linger, 0);
  host.bind("tcp://127.0.0.1:*");
  HostClient client = *HostClient::Connect(host.get(zmq::sockopt::last_endpoint));
  std::thread answering([&] {
    zmq::message_t peer;
    zmq::message_t question;
    zmq::message_t bulk;
    if (!host.recv(peer) || !host.recv(question) || !host.recv(bulk)) return;
    const Message answer = ToMessage(Part{.what = FileKind::kPlan}, Bytes(bulk_bytes));
    host.send(peer, zmq::send_flags::sndmore);
    host.send(zmq::buffer(answer.head), zmq::send_flags::sndmore);
    host.send(zmq::buffer(answer.bulk.data(), answer.bulk.size()), zmq::send_flags::none);
  });
  absl::StatusOr<Message> answer = client.Ask(ToMessage(GetRequest{}), timeout_ms);
  answering.join();
  return answer;
}

TEST(HostClient, AnAnswerLargerThanAnyMessageIsNotTaken) {
  EXPECT_TRUE(AnswerOf(kMessageBulkBytesMax, 10'000).ok());
  EXPECT_EQ(ErrorCode(AnswerOf(kMessageBulkBytesMax + 1, 500).status()), "host_absent");
}

}  // namespace
}  // namespace sealfold
