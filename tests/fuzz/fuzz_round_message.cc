// Any bytes as messages to a round under way, mixed with right messages and right ones laid over
// with bytes: the sum changes only by whole updates, and the round lives on. What is complete is
// folded at once or, where a step says so, as time goes on, a column for each step.
//
// The input is a list of steps, each: party, kind, size (1 byte each), then `size` bytes.
#include <memory>
#include <optional>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;

constexpr size_t kParties = 3;

enum Kind : uint8_t {
  kHead,
  kBulk,
  kHello,
  kQuery,
  kBegin,
  kChunk,
  kBeginOver,
  kChunkOver,
  kTick,
  kFoldLater,
  kKinds
};

// `over`: offset (2 bytes), then bytes to exclusive-or into `target` from there.
void LayOver(ByteSpan over, Bytes& target) {
  if (over.size() < 2 || target.empty()) return;
  size_t at = over[0] | over[1] << 8;
  for (const uint8_t byte : over.subspan(2)) target[at++ % target.size()] ^= byte;
}

// The same for every input, and slow to make.
struct Fixed {
  SampleRun run = SampleRun::Make(kParties);
  std::vector<SampleUpdate> updates = {run.MakeUpdate(0), run.MakeUpdate(1), run.MakeUpdate(2)};
};
const Fixed& Always() {
  static const Fixed fixed;
  return fixed;
}

struct State {
  const SampleRun& run = Always().run;
  CallingThread calling_thread;
  SampleHost host{
      run,
      {.start = run.FirstStart(), .fold = FoldMeans{.workers = calling_thread, .step_bytes = 1}}};
  Offer offer = host.GetOffer(0);
  std::vector<std::unique_ptr<SampleSender>> senders;
  std::vector<uint64_t> next = std::vector<uint64_t>(kParties);

  State() {
    for (size_t i = 0; i < kParties; ++i) {
      senders.push_back(std::make_unique<SampleSender>(run, i, offer, Always().updates[i],
                                                       SampleSender::Options{}));
    }
  }
};

// Over the head or the bulk, as the number of bytes says.
void LayOver(ByteSpan bytes, Message& message) {
  if (bytes.size() % 2 == 0) {
    LayOver(bytes, message.head);
  } else {
    testing::ChangeBulk(message, [&](Bytes& bulk) { LayOver(bytes, bulk); });
  }
}

Message MessageFor(State& state, size_t party, uint8_t kind, ByteSpan bytes) {
  SampleSender& sender = *state.senders[party];
  Message message;
  switch (kind % kKinds) {
    case kHead:
      message.head = ToBytes(bytes);
      break;
    case kBulk:
      message = sender.chunk(0);
      message.bulk = ToBytes(bytes);
      break;
    case kHello:
      message = state.host.HelloOf(party);
      break;
    case kQuery:
      message = state.host.QueryOf(party);
      break;
    case kBegin:
      message = sender.begin();
      break;
    case kBeginOver:
      message = sender.begin();
      LayOver(bytes, message);
      break;
    case kChunkOver:
      message = sender.chunk(state.next[party] % sender.chunk_count());
      LayOver(bytes, message);
      break;
    default:
      message = sender.chunk(state.next[party]++ % sender.chunk_count());
      break;
  }
  return message;
}

uint64_t Committed(const SampleHost& host) {
  for (auto it = host.to_host.rbegin(); it != host.to_host.rend(); ++it) {
    if (testing::TypeOf(*it) == RoundState::kType) return testing::As<RoundState>(*it).updates;
  }
  return 0;
}

void Run(ByteSpan data) {
  State state;
  Digest sum = state.host.round->SumFingerprint();
  uint64_t committed = 0;
  while (data.size() >= 3 && !state.host.round->over()) {
    const size_t party = data[0] % kParties;
    const uint8_t kind = data[1];
    const size_t size = std::min<size_t>(data[2], data.size() - 3);
    const ByteSpan bytes = data.subspan(3, size);
    data.remove_prefix(3 + size);
    if (kind % kKinds == kFoldLater) {
      state.host.fold_at_once = false;
    } else if (kind % kKinds == kTick) {
      state.host.Tick(state.host.now_ms + (size << 8));
    } else {
      state.host.Say(party, MessageFor(state, party, kind, bytes));
    }
    // While updates are being folded the sum has parts of them.
    if (state.host.round->over()) break;
    if (state.host.round->folding() > 0) continue;
    const uint64_t now = Committed(state.host);
    const Digest now_sum = state.host.round->SumFingerprint();
    SEALFOLD_CHECK(now == committed ? now_sum == sum : now > committed && now_sum != sum);
    committed = now;
    sum = now_sum;
  }
  if (!state.host.record_file.has_value()) return;
  SEALFOLD_CHECK(CheckRecordFile(*state.host.record_file).ok());
  std::vector<SampleUpdate> updates;
  for (const LogEntry& entry : state.host.record_file->log) {
    updates.push_back(Always().updates[*state.run.plan.IndexOf(entry.participant)]);
  }
  SEALFOLD_CHECK(state.host.model_file == state.run.ExpectedModel(state.run.base_model, updates));
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealfold::Run(sealfold::ByteSpan(data, size));
  return 0;
}
