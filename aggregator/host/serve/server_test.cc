#include "aggregator/host/serve/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "absl/strings/match.h"
#include "aggregator/host/control/client.h"
#include "aggregator/host/control/control_message.h"
#include "aggregator/host/testing/run_folder.h"
#include "protocol/base/unique_fd.h"
#include "protocol/message/state_message.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

using testing::RunFolder;

constexpr int kAnswerMs = 30'000;

// A server in a thread of its own.
class Running {
 public:
  explicit Running(const RunFolder& folder, const std::string& listen = "tcp://127.0.0.1:0",
                   const KeyServiceOptions& keys = {}) {
    std::promise<std::string> ready;
    std::future<std::string> endpoint = ready.get_future();
    thread_ = std::thread([this, &folder, listen, keys, ready = std::move(ready)]() mutable {
      bool told = false;
      status_ = Serve(
          {.folder = folder.path(),
           .listen = listen,
           .aggregator = absl::StrCat("ipc://", folder.Path("aggregator.sock")),
           .keys = keys},
          stop_fd_,
          [&](const std::string& at) {
            told = true;
            ready.set_value(at);
          },
          [](const std::string&) {});
      if (!told) ready.set_value("");
    });
    endpoint_ = endpoint.get();
  }
  ~Running() {
    Stop().IgnoreError();
    close(stop_fd_);
  }
  absl::Status Stop() {
    const uint64_t one = 1;
    EXPECT_EQ(write(stop_fd_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  const std::string& endpoint() const { return endpoint_; }

 private:
  int stop_fd_ = eventfd(0, EFD_CLOEXEC);
  std::thread thread_;
  absl::Status status_;
  std::string endpoint_;
};

// The aggregator's end of the link, message by message.
class Link {
 public:
  explicit Link(const RunFolder& folder) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, kAnswerMs);
    socket_.connect(absl::StrCat("ipc://", folder.Path("aggregator.sock")));
  }
  template <class M>
  void Send(const std::string& session, const M& message, const Bytes& bulk = {}) {
    const Bytes head = cbor::EncodeFields(message);
    socket_.send(zmq::buffer(session), zmq::send_flags::sndmore);
    socket_.send(zmq::const_buffer(head.data(), head.size()), zmq::send_flags::sndmore);
    socket_.send(zmq::const_buffer(bulk.data(), bulk.size()), zmq::send_flags::none);
  }
  struct Received {
    std::string session;
    std::string type;
    Bytes bulk;
  };
  Received Receive() {
    std::vector<std::string> frames;
    zmq::message_t frame;
    do {
      if (!socket_.recv(frame).has_value()) return {};
      frames.push_back(frame.to_string());
    } while (frame.more());
    if (frames.size() != 3) return {};
    return {frames[0], *cbor::PeekType(AsBytes(frames[1])), ToBytes(AsBytes(frames[2]))};
  }

 private:
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::dealer};
};

// What this process has in memory that is no file's.
uint64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (absl::StartsWith(line, "RssAnon:")) return std::stoull(line.substr(8)) * 1024;
  }
  ADD_FAILURE() << "no RssAnon";
  return 0;
}

class ServerTest : public ::testing::Test {
 protected:
  // Asks until the view is as wanted; the test's own timeout ends a wait in vain.
  void WaitFor(const std::function<bool(const RunView&)>& wanted) {
    absl::StatusOr<HostClient> client = HostClient::ConnectControl(folder_.path());
    ASSERT_TRUE(client.ok()) << client.status();
    for (int i = 0; i < 1000; ++i) {
      absl::StatusOr<RunView> view = client->AskFor<RunView>(ViewRequest{}, kAnswerMs);
      ASSERT_TRUE(view.ok()) << view.status();
      if (wanted(*view)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    FAIL() << "the view never was as wanted";
  }
  RunFolder folder_;
};

TEST_F(ServerTest, ServesParticipantsTheAggregatorAndItsOwner) {
  Running server(folder_);
  ASSERT_THAT(server.endpoint(), ::testing::StartsWith("tcp://127.0.0.1:"));
  HostClient participant = *HostClient::Connect(server.endpoint());
  HostClient owner = *HostClient::ConnectControl(folder_.path());

  absl::StatusOr<Message> plan =
      participant.Ask(ToMessage(GetRequest{.what = FileKind::kPlan}), kAnswerMs);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->bulk, folder_.plan().bytes);
  EXPECT_EQ(ErrorCode(participant.Ask(ToMessage(Hello{}), kAnswerMs).status()),
            "aggregator_absent");
  EXPECT_EQ(ErrorCode(participant.Ask(ToMessage(LaunchRequest{}), kAnswerMs).status()),
            "message_unexpected");
  EXPECT_EQ(participant.AskFor<RunStatus>(StatusRequest{}, kAnswerMs)->phase, RunPhase::kIdle);

  ASSERT_TRUE(owner.AskFor<RunView>(LaunchRequest{}, kAnswerMs).ok());
  Link aggregator(folder_);
  aggregator.Send("", Ready{.version = "1", .plan = {}});
  EXPECT_EQ(aggregator.Receive().type, "inspect");
  aggregator.Send("", Ready{.version = "1", .plan = {}});
  EXPECT_EQ(aggregator.Receive().type, "start");

  std::thread relayed([&] {
    const Link::Received hello = aggregator.Receive();
    EXPECT_EQ(hello.type, "hello");
    EXPECT_EQ(hello.bulk, Bytes(3, 9));
    aggregator.Send(hello.session, Progress{.round = Round(1), .attempt = Attempt(1), .header = {}},
                    Bytes(2, 5));
  });
  absl::StatusOr<Message> answer = participant.Ask(ToMessage(Hello{}, Bytes(3, 9)), kAnswerMs);
  relayed.join();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(*cbor::PeekType(answer->head), "progress");
  EXPECT_EQ(answer->bulk, Bytes(2, 5));
  EXPECT_TRUE(server.Stop().ok());
}

TEST_F(ServerTest, AnAggregatorThatDiesIsMissedAndItsSuccessorGivenTheNextAttempt) {
  Running server(folder_);
  HostClient owner = *HostClient::ConnectControl(folder_.path());
  ASSERT_TRUE(owner.AskFor<RunView>(LaunchRequest{}, kAnswerMs).ok());
  for (uint64_t attempt = 1; attempt <= 2; ++attempt) {
    {
      Link aggregator(folder_);
      aggregator.Send("", Ready{.version = "1", .plan = {}});
      EXPECT_EQ(aggregator.Receive().type, "inspect");
      aggregator.Send("", Ready{.version = "1", .plan = {}});
      EXPECT_EQ(aggregator.Receive().type, "start");
      WaitFor([attempt](const RunView& view) {
        return view.run.aggregator && view.run.attempt == attempt;
      });
    }
    WaitFor([](const RunView& view) { return !view.run.aggregator; });
  }
}

TEST_F(ServerTest, StartedAgainItFindsTheAggregatorThatIsStillThere) {
  Link aggregator(folder_);
  std::string endpoint;
  {
    Running server(folder_);
    endpoint = server.endpoint();
    HostClient owner = *HostClient::ConnectControl(folder_.path());
    ASSERT_TRUE(owner.AskFor<RunView>(LaunchRequest{}, kAnswerMs).ok());
    aggregator.Send("", Ready{.version = "1", .plan = {}});
    EXPECT_EQ(aggregator.Receive().type, "inspect");
    aggregator.Send("", Ready{.version = "1", .plan = {}});
    EXPECT_EQ(aggregator.Receive().type, "start");
  }
  Running server(folder_, endpoint);
  EXPECT_EQ(server.endpoint(), endpoint);
  const Ready in_round = {.version = "1", .plan = folder_.plan().digest, .round = 1, .attempt = 1};
  aggregator.Send("", in_round);
  EXPECT_EQ(aggregator.Receive().type, "inspect");
  aggregator.Send("", in_round);
  WaitFor([](const RunView& view) {
    return view.run.detail == "taking updates" && view.run.attempt == 1;
  });
}

// Strangers may ask for what they never read.
// Each aggregator numbers its calls from 1: what a service answers one is nothing to the next.
TEST_F(ServerTest, ACallToTheKeyServiceEndsWithTheAggregatorThatBeganIt) {
  const UniqueFd listener(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  folder_.Write("access", ToBytes(AsBytes("who asks")));
  Running server(folder_, "tcp://127.0.0.1:0",
                 {.endpoint = absl::StrCat("127.0.0.1:", ntohs(address.sin_port)),
                  .access_key_path = folder_.Path("access")});
  Link first(folder_);
  first.Send("", Ready{.version = "test", .plan = {}});
  ASSERT_EQ(first.Receive().type, "inspect");
  first.Send("", KeyOpen{.call = 1});
  ASSERT_EQ(first.Receive().type, "key-access");
  const UniqueFd service(accept(listener.get(), nullptr, nullptr));
  Link second(folder_);
  second.Send("", Ready{.version = "test", .plan = {}});
  ASSERT_EQ(second.Receive().type, "inspect");
  pollfd ended = {.fd = service.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&ended, 1, kAnswerMs), 1);
  char byte = 0;
  EXPECT_EQ(recv(service.get(), &byte, 1, 0), 0);
}

TEST_F(ServerTest, PartsThatNobodyReadsTakeNoMemory) {
  constexpr size_t kStrangers = 24;
  constexpr size_t kAsked = 32;
  constexpr uint64_t kGrowthBytesMax = 200u << 20;  // a copy of each part would be 768 MiB
  const RunFolder folder(testing::ExamplePlan(3, 4 * kPartBytesMax / (9 * sizeof(float)) + 1));
  Running server(folder);
  zmq::context_t context{1};
  std::vector<zmq::socket_t> strangers;
  const Bytes head = cbor::EncodeFields(GetRequest{.what = FileKind::kModel});
  const uint64_t before = AnonymousBytes();
  for (size_t i = 0; i < kStrangers; ++i) {
    zmq::socket_t& one = strangers.emplace_back(context, zmq::socket_type::dealer);
    one.set(zmq::sockopt::linger, 0);
    one.set(zmq::sockopt::rcvhwm, 1);  // what it holds itself, in this process too, is little
    one.connect(server.endpoint());
    for (size_t j = 0; j < kAsked; ++j) {
      one.send(zmq::const_buffer(head.data(), head.size()), zmq::send_flags::sndmore);
      one.send(zmq::const_buffer(nullptr, 0), zmq::send_flags::none);
    }
  }
  // Each was answered once, and another is served.
  for (zmq::socket_t& one : strangers) {
    zmq::pollitem_t item = {one.handle(), 0, ZMQ_POLLIN, 0};
    ASSERT_EQ(zmq_poll(&item, 1, kAnswerMs), 1);
  }
  HostClient participant = *HostClient::Connect(server.endpoint());
  absl::StatusOr<Message> part = participant.Ask(
      ToMessage(GetRequest{.what = FileKind::kModel, .offset = kPartBytesMax}), kAnswerMs);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->bulk.size(), kPartBytesMax);
  EXPECT_LT(AnonymousBytes() - before, kGrowthBytesMax);
}

// The test's limit is the server's, as it runs in a thread of the test.
TEST_F(ServerTest, MoreParticipantsThanTheUsualLimitOfOpenFilesAreServed) {
  constexpr rlim_t kUsual = 128;
  constexpr size_t kParticipants = 200;
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 5 * kParticipants) GTEST_SKIP() << "no more than " << before.rlim_max;
  const rlimit usual = {.rlim_cur = kUsual, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  Running server(folder_);
  zmq::context_t context{1};
  std::vector<zmq::socket_t> participants;
  const Bytes head = cbor::EncodeFields(StatusRequest{});
  for (size_t i = 0; i < kParticipants; ++i) {
    zmq::socket_t& one = participants.emplace_back(context, zmq::socket_type::dealer);
    one.set(zmq::sockopt::linger, 0);
    one.set(zmq::sockopt::rcvtimeo, kAnswerMs);
    one.connect(server.endpoint());
    one.send(zmq::const_buffer(head.data(), head.size()), zmq::send_flags::sndmore);
    one.send(zmq::const_buffer(nullptr, 0), zmq::send_flags::none);
  }
  for (zmq::socket_t& one : participants) {
    zmq::message_t answer;
    ASSERT_TRUE(one.recv(answer).has_value());
    EXPECT_EQ(*cbor::PeekType(AsBytes(answer.to_string())), RunStatus::kType);
  }
  participants.clear();
  EXPECT_TRUE(server.Stop().ok());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(ServerTest, ItsPrivateSocketsAreForTheOwnerOnly) {
  Running server(folder_);
  for (const char* name : {"control.sock", "aggregator.sock"}) {
    struct stat info = {};
    ASSERT_EQ(stat(folder_.Path(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u) << name;
  }
}

TEST_F(ServerTest, AnEndpointThatIsTakenIsAnError) {
  Running server(folder_);
  RunFolder other;
  Running second(other, server.endpoint());
  EXPECT_EQ(second.endpoint(), "");
  EXPECT_EQ(ErrorCode(second.Stop()), "listen_failed");
}

TEST_F(ServerTest, AKeyServiceThatCanBeNoneIsAnError) {
  const auto nothing = [](const std::string&) {};
  const ServeOptions options = {.folder = "/none",
                                .listen = "tcp://127.0.0.1:0",
                                .aggregator = absl::StrCat("ipc://", folder_.Path("a.sock")),
                                .keys = {"keys.example.org", "/none"}};
  EXPECT_EQ(ErrorCode(Serve(options, -1, nothing, nothing)), "endpoint_invalid");
}

TEST_F(ServerTest, WithoutAServerTheAnswerSaysSo) {
  HostClient control = *HostClient::ConnectControl(folder_.path());
  EXPECT_EQ(ErrorCode(control.Ask(ToMessage(StatusRequest{}), 50).status()), "host_absent");
  EXPECT_EQ(ErrorCode(HostClient::Connect("nonsense").status()), "endpoint_invalid");
  HostClient client = *HostClient::Connect(absl::StrCat("ipc://", folder_.Path("nobody.sock")));
  EXPECT_EQ(ErrorCode(client.Ask(ToMessage(StatusRequest{}), 50).status()), "host_absent");
}

TEST_F(ServerTest, OversizedAndMisframedMessagesDoNotDisturbOthers) {
  Running server(folder_);
  zmq::context_t context{1};
  zmq::socket_t rude(context, zmq::socket_type::dealer);
  rude.set(zmq::sockopt::linger, 0);
  rude.connect(server.endpoint());
  for (int frames : {1, 3, 100}) {
    for (int i = 0; i < frames; ++i) {
      rude.send(zmq::str_buffer("x"),
                i + 1 < frames ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }
  const Bytes large(kMessageBulkBytesMax + 1);
  rude.send(zmq::str_buffer("x"), zmq::send_flags::sndmore);
  rude.send(zmq::const_buffer(large.data(), large.size()), zmq::send_flags::none);
  HostClient participant = *HostClient::Connect(server.endpoint());
  EXPECT_TRUE(participant.AskFor<RunStatus>(StatusRequest{}, kAnswerMs).ok());
}

}  // namespace
}  // namespace sealfold
