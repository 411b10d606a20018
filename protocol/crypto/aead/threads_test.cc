// One Aead, several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/testing/aead_backends.h"

namespace sealfold {
namespace {

constexpr int kThreads = 4;
constexpr size_t kMessages = 64;
constexpr int kRounds = 20;

Bytes NonceOf(size_t message) { return Bytes(kAeadNonceSize, static_cast<uint8_t>(message)); }
// Of differing sizes, so that one message's state in another's place shows.
size_t SizeOf(size_t message) { return 37 * message; }

class AeadThreadsTest : public ::testing::TestWithParam<testing::AeadOfBackend> {};

INSTANTIATE_TEST_SUITE_P(All, AeadThreadsTest, ::testing::ValuesIn(testing::AllAeadsOfBackends()),
                         [](const auto& instance) { return testing::NameOf(instance.param); });

TEST_P(AeadThreadsTest, SealAndOpenAndRefuseAtOnce) {
  const Aead aead = GetParam().Make(Bytes(AeadKeySize(GetParam().id), 3));
  const ByteSpan aad = AsBytes("of all");
  std::vector<Bytes> plaintexts;
  std::vector<Bytes> sealed;
  for (size_t m = 0; m < kMessages; ++m) {
    plaintexts.emplace_back(SizeOf(m));
    FillRandom(absl::MakeSpan(plaintexts.back()));
    sealed.emplace_back(SizeOf(m) + kAeadTagSize);
    aead.Seal(NonceOf(m), aad, plaintexts.back(), absl::MakeSpan(sealed.back()));
  }

  std::atomic<int> wrong = 0;
  std::atomic<int> started = 0;
  const auto work = [&](size_t first) {
    ++started;
    while (started < kThreads) std::this_thread::yield();
    for (int round = 0; round < kRounds; ++round) {
      for (size_t i = 0; i < kMessages; ++i) {
        const size_t m = (first + i) % kMessages;
        Bytes bytes = sealed[m];
        Bytes opened(SizeOf(m));
        if (!aead.Open(NonceOf(m), aad, bytes, absl::MakeSpan(opened)).ok()) ++wrong;
        if (opened != plaintexts[m]) ++wrong;
        aead.Seal(NonceOf(m), aad, plaintexts[m], absl::MakeSpan(bytes));
        if (bytes != sealed[m]) ++wrong;
        bytes.back() ^= 1;
        const absl::Status status = aead.Open(NonceOf(m), aad, bytes, absl::MakeSpan(opened));
        if (ErrorCode(status) != "seal_broken") ++wrong;
      }
    }
  };
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) threads.emplace_back(work, t * kMessages / kThreads);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// The first questions for an AEAD may come from several threads too.
TEST(AeadThreadsTest, ChooseAtOnce) {
  std::vector<std::thread> threads;
  std::array<std::string, kThreads> answers;
  for (std::string& answer : answers) {
    threads.emplace_back([&answer] { answer = AeadLibrary(AeadId::kAes256Gcm); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& answer : answers) EXPECT_EQ(answer, answers.front());
}

}  // namespace
}  // namespace sealfold
