// The loop over a real ipc socket, with a host in the test.
#include "aggregator/enclave/serve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <mutex>
#include <thread>
#include <zmq.hpp>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::TypeOf;

class FakeAttester final : public Attester {
 public:
  explicit FakeAttester(std::shared_future<void> gate) : gate_(std::move(gate)) {}
  absl::string_view platform() const override { return "test"; }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    if (gate_.valid()) gate_.wait();
    return testing::SampleEvidence({.nonce = ToBytes(nonce),
                                    .user_data = ToBytes(user_data),
                                    .public_key = ToBytes(public_key)});
  }

 private:
  std::shared_future<void> gate_;
};

class ServeTest : public ::testing::Test {
 protected:
  ServeTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "serve-XXXXXX").string();
    SEALFOLD_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
    endpoint = "ipc://" + directory + "/link";
    SEALFOLD_CHECK(pipe(stop) == 0);
  }
  ~ServeTest() override {
    Stop();
    close(stop[0]);
    close(stop[1]);
    std::filesystem::remove_all(directory);
  }

  void StartAggregator() {
    absl::StatusOr<std::unique_ptr<HostLink>> connected = HostLink::Connect(endpoint);
    ASSERT_TRUE(connected.ok()) << connected.status();
    thread = std::thread([this, link = *std::move(connected)] {
      FakeAttester attester(gate);
      Serve(*link, attester, "9.9", stop[0], [this](absl::string_view line) {
        const std::lock_guard<std::mutex> lock(mutex);
        notes.emplace_back(line);
      });
    });
  }
  void Stop() {
    if (!thread.joinable()) return;
    EXPECT_EQ(write(stop[1], "x", 1), 1);
    thread.join();
  }
  void StartHost() {
    router.emplace(context, zmq::socket_type::router);
    router->set(zmq::sockopt::linger, 0);
    router->set(zmq::sockopt::rcvtimeo, 60'000);
    router->bind(endpoint);
  }
  void SendFrames(const std::vector<Bytes>& frames) {
    router->send(zmq::const_buffer(peer.data(), peer.size()), zmq::send_flags::sndmore);
    for (size_t i = 0; i < frames.size(); ++i) {
      router->send(zmq::const_buffer(frames[i].data(), frames[i].size()),
                   i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }
  void Say(absl::string_view session, const Message& message) {
    SendFrames({ToBytes(AsBytes(session)), message.head, ToBytes(message.bulk)});
  }
  SendMessage Hear() {
    std::vector<Bytes> frames;
    zmq::message_t frame;
    do {
      SEALFOLD_CHECK(router->recv(frame).has_value());
      const auto* data = frame.data<uint8_t>();
      frames.emplace_back(data, data + frame.size());
    } while (frame.more());
    SEALFOLD_CHECK(frames.size() == 4);
    peer = frames[0];
    return {.session = frames[1], .message = {.head = frames[2], .bulk = frames[3]}};
  }
  // The next message of this type to this session; others are passed over.
  Message HearOne(absl::string_view session, absl::string_view type) {
    while (true) {
      SendMessage heard = Hear();
      if (AsText(heard.session) == session && TypeOf(heard.message) == type) return heard.message;
    }
  }

  const SampleRun run = SampleRun::Make();
  std::string directory;
  std::string endpoint;
  int stop[2] = {-1, -1};
  zmq::context_t context;
  std::optional<zmq::socket_t> router;
  Bytes peer;
  std::shared_future<void> gate;  // documents wait for it; none: they do not
  std::thread thread;
  std::mutex mutex;
  std::vector<std::string> notes;
};

TEST_F(ServeTest, ARoundOverTheLink) {
  StartHost();
  StartAggregator();
  EXPECT_EQ(As<Ready>(HearOne("", "ready")).version, "9.9");
  Say("", Encode(run.FirstStart()));
  HearOne("", "round");
  std::vector<SampleUpdate> updates;
  for (size_t party = 0; party < 3; ++party) {
    const std::string session = absl::StrCat("session ", party);
    Say(session, Encode(Hello{.plan = run.signed_plan.digest,
                              .participant = run.parties[party].key.public_key(),
                              .nonce = {}}));
    const Offer offer = As<Offer>(HearOne(session, "offer"));
    updates.push_back(run.MakeUpdate(party));
    SampleSender sender(run, party, offer, updates.back(), {});
    Say(session, sender.begin());
    HearOne(session, "progress");
    for (uint64_t i = 0; i < sender.chunk_count(); ++i) Say(session, sender.chunk(i));
    HearOne(session, "receipt");
  }
  Bytes model;
  while (true) {
    const SendMessage heard = Hear();
    const std::string type = TypeOf(heard.message);
    if (type == "want-base") {
      const WantBase want = As<WantBase>(heard.message);
      Say("", Encode(Base{.offset = want.offset},
                     ToBytes(ByteSpan(run.base_model).subspan(want.offset, want.length))));
    } else if (type == "model") {
      Append(model, heard.message.bulk);
    } else if (type == "finished") {
      const RecordFile file = *DecodeRecordFile(heard.message.bulk);
      EXPECT_EQ(CheckRecordFile(file)->record.model, Sha256(model));
      break;
    }
  }
  EXPECT_EQ(model, run.ExpectedModel(run.base_model, updates));
  Stop();
  EXPECT_THAT(notes, ::testing::Contains("round 1 attempt 1: 3 committed"));
  EXPECT_THAT(notes, ::testing::Contains("round 1 finished, its keys erased"));
}

TEST_F(ServeTest, WhileADocumentIsMadeTheHostIsHeardAndHellosAreCollected) {
  std::promise<void> open;
  gate = open.get_future().share();
  StartHost();
  StartAggregator();
  HearOne("", "ready");
  Say("", Encode(run.FirstStart()));
  HearOne("", "round");
  constexpr size_t kHellos = 20;
  for (size_t i = 0; i <= kHellos; ++i) {
    Say(absl::StrCat("session ", i), Encode(Hello{.plan = run.signed_plan.digest,
                                                  .participant = run.parties[0].key.public_key(),
                                                  .nonce = {}}));
  }
  Say("", Encode(Inspect{}));
  HearOne("", "ready");  // after the hellos
  open.set_value();
  EXPECT_FALSE(As<Offer>(HearOne("session 0", "offer")).batch.has_value());
  for (size_t i = 1; i <= kHellos; ++i) {
    const Offer offer = As<Offer>(HearOne(absl::StrCat("session ", i), "offer"));
    ASSERT_TRUE(offer.batch.has_value());
    EXPECT_EQ(offer.batch->size, kHellos);
    EXPECT_TRUE(CheckNoncePath({}, *offer.batch).ok());
  }
}

TEST_F(ServeTest, AHostThatComesLaterAndAgainHearsOfTheRound) {
  StartAggregator();
  StartHost();
  EXPECT_EQ(As<Ready>(HearOne("", "ready")).plan, std::nullopt);
  Say("", Encode(run.FirstStart()));
  HearOne("", "round");
  router.reset();
  StartHost();
  EXPECT_EQ(As<Ready>(HearOne("", "ready")).plan, run.signed_plan.digest);
  Say("", Encode(Inspect{}));
  HearOne("", "round");
}

TEST_F(ServeTest, WhatIsNotAMessageIsRefusedAndServingGoesOn) {
  StartHost();
  StartAggregator();
  HearOne("", "ready");
  SendFrames({{}});
  HearOne("", "refused");
  SendFrames({{}, {}, {}, {}, {}});
  HearOne("", "refused");
  SendFrames({{1, 2}, {3, 4}});
  HearOne("", "refused");
  SendFrames({{'s'}, {3, 4}, {}});
  EXPECT_EQ(As<RefusedMessage>(HearOne("s", "refused")).code, "no_round");
  Say("", Encode(Inspect{}));
  HearOne("", "ready");
}

TEST_F(ServeTest, StopsThoughTheHostNeverListens) {
  StartHost();
  StartAggregator();
  HearOne("", "ready");
  // Ask until no more questions go through: the aggregator then waits to be heard, and nobody
  // listens.
  router->set(zmq::sockopt::router_mandatory, true);
  router->set(zmq::sockopt::sndtimeo, 300);
  const Message inspect = Encode(Inspect{});
  int asked = 0;
  while (router->send(zmq::const_buffer(peer.data(), peer.size()), zmq::send_flags::sndmore)) {
    router->send(zmq::const_buffer("", 0), zmq::send_flags::sndmore);
    router->send(zmq::const_buffer(inspect.head.data(), inspect.head.size()),
                 zmq::send_flags::sndmore);
    router->send(zmq::const_buffer("", 0), zmq::send_flags::none);
    ASSERT_LT(++asked, 10'000'000);
  }
  Stop();
}

TEST(HostLinkTest, OnlyIpc) {
  for (const char* endpoint :
       {"tcp://127.0.0.1:5000", "inproc://x", "", "ipc:/x", "udp://127.0.0.1:1"}) {
    EXPECT_EQ(ErrorCode(HostLink::Connect(endpoint).status()), "host_link_not_ipc") << endpoint;
  }
  EXPECT_EQ(ErrorCode(HostLink::Connect("ipc://" + std::string(500, 'x')).status()),
            "host_link_endpoint");
}

}  // namespace
}  // namespace sealfold
