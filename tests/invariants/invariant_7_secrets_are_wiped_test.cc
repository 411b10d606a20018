// Invariant 7: secrets are locked in memory and wiped; plaintext updates are wiped once folded; no
// log line, metric or error carries one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <sstream>

#include "aggregator/core/batch/column.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;

// Larger mappings are a sanitizer's own: terabytes of shadow, in which nothing of ours lies.
constexpr uintptr_t kMappingBytesMax = uintptr_t{64} << 30;

// How often the inverse of `inverted` starts in the `size` bytes at `block`.
size_t CountInBlock(const Bytes& inverted, const uint8_t* block, size_t size) {
  const auto first = static_cast<uint8_t>(~inverted[0]);
  size_t count = 0;
  const uint8_t* const end = block + size;
  const uint8_t* at = block;
  while (at + inverted.size() <= end) {
    at = static_cast<const uint8_t*>(
        std::memchr(at, first, static_cast<size_t>(end - at) - inverted.size() + 1));
    if (at == nullptr) break;
    size_t k = 1;
    while (k < inverted.size() && at[k] == static_cast<uint8_t>(~inverted[k])) ++k;
    if (k == inverted.size()) ++count;
    ++at;
  }
  return count;
}

// How often the inverse of `inverted` stands in this process's writable memory. It is kept inverted
// so that the search does not find itself.
size_t CountInMemory(const Bytes& inverted) {
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  EXPECT_GE(memory, 0);
  size_t count = 0;
  std::string line;
  // A mapping of our own for reading into, so that heap memory is not changed while it is read.
  constexpr size_t kBlock = 1 << 20;
  auto* block = static_cast<uint8_t*>(
      mmap(nullptr, kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  while (std::getline(maps, line)) {
    uintptr_t from = 0;
    uintptr_t to = 0;
    char flags[8];
    if (std::sscanf(line.c_str(), "%lx-%lx %7s", &from, &to, flags) != 3 || flags[0] != 'r' ||
        flags[1] != 'w' || to - from > kMappingBytesMax) {
      continue;
    }
    for (uintptr_t at = from; at < to; at += kBlock - inverted.size()) {
      if (at <= reinterpret_cast<uintptr_t>(block) &&
          reinterpret_cast<uintptr_t>(block) < at + kBlock)
        continue;
      const ssize_t n =
          pread(memory, block, std::min<size_t>(kBlock, to - at), static_cast<off_t>(at));
      if (n > 0) count += CountInBlock(inverted, block, static_cast<size_t>(n));
    }
  }
  munmap(block, kBlock);
  close(memory);
  return count;
}

constexpr std::array<float, 4> kMark = {0.123456789f, -0.387654321f, 0.314159274f, -0.271828175f};

// Sixteen bytes that kMark has in common with nothing else; inverted without ever being written as
// they are: a sanitizer keeps what stood in a frame that is gone.
Bytes MarkInverted() {
  Bytes out;
  for (const float mark : kMark) {
    const uint32_t inverted = ~std::bit_cast<uint32_t>(mark);
    for (unsigned shift = 0; shift < 32; shift += 8) {
      out.push_back(static_cast<uint8_t>(inverted >> shift));
    }
  }
  return out;
}

// Builds and seals a marked update, and wipes every copy of the test's own.
std::vector<Message> SealMarkedUpdate(const SampleRun& run, const Offer& offer) {
  SampleUpdate update = run.MakeUpdate(1);
  const PayloadLayout layout = run.layout();
  size_t part = 0;
  while (layout.parts[part].dtype != Dtype::kF32 || layout.parts[part].elements < 4) ++part;
  for (uint64_t i = 0; i < kMark.size(); ++i) {
    testing::SetElement(layout, part, i, static_cast<double>(kMark[i]), update.payload);
  }
  std::vector<Message> out =
      testing::SealUpload(run, 0, offer, update, testing::SeedOf("ephemeral"));
  Wipe(absl::MakeSpan(update.payload));
  return out;
}

TEST(SecretsAreWipedTest, ASecretIsGoneWhenItsOwnerIs) {
  const Bytes inverted = {0x13, 0x57, 0x9b, 0xdf, 0x02, 0x46, 0x8a, 0xce,
                          0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x89};
  {
    Secret secret(inverted.size());
    for (size_t i = 0; i < inverted.size(); ++i)
      secret.mutable_span()[i] = static_cast<uint8_t>(~inverted[i]);
    EXPECT_EQ(CountInMemory(inverted), 1u) << "the search finds it while it lives";
    Secret moved = std::move(secret);
    EXPECT_EQ(CountInMemory(inverted), 1u) << "a move leaves nothing behind";
  }
  EXPECT_EQ(CountInMemory(inverted), 0u);
}

// An update is in the clear only while it is folded: never where it waits, and not afterwards.
TEST(SecretsAreWipedTest, AnUpdateInTheClearIsNowhereButInTheFold) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<Message> messages = SealMarkedUpdate(run, host.GetOffer(0));
  const Bytes mark = MarkInverted();
  EXPECT_EQ(CountInMemory(mark), 0u) << "the test itself keeps no copy";
  host.fold_at_once = false;
  for (const Message& message : messages) {
    host.Say(0, message);
    EXPECT_EQ(CountInMemory(mark), 0u);
  }
  ASSERT_EQ(host.round->folding(), 1u);
  host.fold_at_once = true;
  EXPECT_EQ(testing::TypeOf(host.Say(0, host.QueryOf(0)).back()), ReceiptMessage::kType);
  EXPECT_EQ(CountInMemory(mark), 0u);
}

TEST(SecretsAreWipedTest, TheSearchFindsAnUpdateWhereItIsOpened) {
  const SampleRun run = SampleRun::Make();
  const Bytes mark = MarkInverted();
  ColumnScratch scratch = *ColumnScratch::Make(run.plan.chunk_bytes);
  const MutableByteSpan slot = scratch.Slot(0, run.plan.chunk_bytes);
  for (size_t i = 0; i < mark.size(); ++i) slot[100 + i] = static_cast<uint8_t>(~mark[i]);
  EXPECT_EQ(CountInMemory(mark), 1u);
  scratch.Wipe();
  EXPECT_EQ(CountInMemory(mark), 0u);
}

TEST(SecretsAreWipedTest, AnUpdateThatIsGivenUpIsGoneToo) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<Message> messages = SealMarkedUpdate(run, host.GetOffer(0));
  for (size_t i = 0; i + 1 < messages.size(); ++i) host.Say(0, messages[i]);
  Message broken = messages.back();
  testing::ChangeBulk(broken, [](Bytes& bulk) { bulk.back() ^= 1; });
  host.Say(0, broken);  // folded, and taken out again
  EXPECT_EQ(CountInMemory(MarkInverted()), 0u);
  host.round.reset();
  EXPECT_EQ(CountInMemory(MarkInverted()), 0u);
}

// Refusals name the place, never the value.
TEST(SecretsAreWipedTest, ARefusalCarriesNoElement) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  SampleUpdate update = run.MakeUpdate(1);
  const double telling = run.plan.range + 1234.5;
  testing::SetElement(run.layout(), 0, 0, telling, update.payload);
  SampleSender sender(run, 0, host.GetOffer(0), update, {});
  host.Say(0, sender.begin());
  std::optional<RefusedMessage> refused;
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    for (const Message& answer : host.Say(0, sender.chunk(i))) {
      if (testing::TypeOf(answer) == RefusedMessage::kType)
        refused = testing::As<RefusedMessage>(answer);
    }
  }
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->code, "out_of_range");
  for (const std::string* text :
       {&refused->what, &refused->expected, &refused->found, &refused->advice}) {
    EXPECT_EQ(text->find("1234"), std::string::npos) << *text;
    EXPECT_EQ(text->find("1238"), std::string::npos) << *text;
  }
}

}  // namespace
}  // namespace sealfold
