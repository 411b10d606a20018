#include "aggregator/enclave/attester_thread.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <future>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Answers with the nonce once it is let; an empty nonce is an error.
class GatedAttester final : public Attester {
 public:
  absl::string_view platform() const override { return "test"; }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan, ByteSpan) override {
    ++begun;
    gate.wait();
    if (nonce.empty()) return PeerError({.code = "attester_unavailable", .what = "device"});
    return ToBytes(nonce);
  }
  std::promise<void> open;
  std::shared_future<void> gate = open.get_future().share();
  std::atomic<int> begun = 0;
};

bool Ready(const AttesterThread& thread, int wait_ms) {
  pollfd waited{.fd = thread.ready_fd(), .events = POLLIN, .revents = 0};
  return poll(&waited, 1, wait_ms) == 1;
}

TEST(AttesterThreadTest, AnswersInOrderWhileTheCallerGoesOn) {
  GatedAttester attester;
  AttesterThread thread(attester);
  EXPECT_FALSE(thread.Take().has_value());
  thread.Ask({.token = 7, .nonce = {1}, .user_data = {}, .public_key = {}});
  thread.Ask({.token = 8, .nonce = {}, .user_data = {}, .public_key = {}});
  EXPECT_FALSE(Ready(thread, 0));
  EXPECT_FALSE(thread.Take().has_value());
  attester.open.set_value();
  constexpr int kWaitMs = 60'000;
  ASSERT_TRUE(Ready(thread, kWaitMs));
  const auto first = thread.Take();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->token, 7U);
  EXPECT_EQ(*first->evidence, Bytes{1});
  ASSERT_TRUE(Ready(thread, kWaitMs));
  const auto second = thread.Take();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->token, 8U);
  EXPECT_EQ(ErrorCode(second->evidence.status()), "attester_unavailable");
  EXPECT_FALSE(Ready(thread, 0));
}

// A host that starts rounds as fast as it can would fill the memory else.
TEST(AttesterThreadTest, QuestionsThatWaitAreBounded) {
  GatedAttester attester;
  AttesterThread thread(attester);
  const auto ask = [&thread](uint64_t token) {
    thread.Ask({.token = token, .nonce = {1}, .user_data = {}, .public_key = {}});
  };
  ask(0);
  while (attester.begun == 0) std::this_thread::yield();
  for (uint64_t token = 1; token <= AttesterThread::kQuestionsMax; ++token) ask(token);
  EXPECT_FALSE(Ready(thread, 0));
  ask(100);
  EXPECT_TRUE(Ready(thread, 0));
  const auto refused = thread.Take();
  attester.open.set_value();  // from here on nothing waits, whatever fails
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->token, 100U);
  EXPECT_EQ(ErrorCode(refused->evidence.status()), "attester_busy");
  for (uint64_t token = 0; token <= AttesterThread::kQuestionsMax; ++token) {
    ASSERT_TRUE(Ready(thread, 60'000));
    const auto answer = thread.Take();
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->token, token);
    EXPECT_TRUE(answer->evidence.ok());
  }
  ask(101);
  ASSERT_TRUE(Ready(thread, 60'000));
  EXPECT_TRUE(thread.Take()->evidence.ok());
}

TEST(AttesterThreadTest, EndsAfterTheDocumentUnderWay) {
  GatedAttester attester;
  {
    AttesterThread thread(attester);
    for (uint64_t token = 1; token <= 3; ++token) {
      thread.Ask({.token = token, .nonce = {1}, .user_data = {}, .public_key = {}});
    }
    while (attester.begun == 0) std::this_thread::yield();
    // Opens the gate from within the destructor's wait.
    std::thread([&attester] { attester.open.set_value(); }).detach();
  }
  EXPECT_GE(attester.begun, 1);
}

}  // namespace
}  // namespace sealfold
