// Anything that a host can say to a submission: in one that waits for an offer it never brings out
// a sealed byte, in one that sends it never ends as if there were a receipt.
//
// Input: the first byte chooses the state that the session is in (bit 0), then messages, each with
// two bytes of length (big-endian) before its head, or (length with the top bit set) a quiet
// moment.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "participant-client/testing/session_bench.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using testing_world::kNowMs;
using testing_world::SessionBench;
using testing_world::SimulatedAggregator;
using testing_world::World;

// An offer for the nonce of the first session of a bench: the seed is the same each time.
const Message& HonestOffer(World& world) {
  static const Message* const kOffer = [&] {
    SessionBench bench(world);
    SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
    return new Message(aggregator.On(bench.NewProcess()->Start()[0])[0]);
  }();
  return *kOffer;
}

void CheckNothingSealed(const std::vector<Message>& sent) {
  for (const Message& message : sent) SEALFOLD_CHECK(message.bulk.empty());
}

void Run(ByteSpan input) {
  static World* const kWorld = new World();
  SessionBench bench(*kWorld);
  std::unique_ptr<Session> session = bench.NewProcess();
  session->Start();
  const bool sending = !input.empty() && (input[0] & 1) != 0;
  if (sending) {
    session->OnMessage(HonestOffer(*kWorld), kNowMs);
    SEALFOLD_CHECK(session->state() == Session::State::kPlacing);
  }
  input.remove_prefix(std::min<size_t>(1, input.size()));
  while (input.size() >= 2 && !session->finished()) {
    const size_t length = static_cast<size_t>(input[0]) << 8 | input[1];
    input.remove_prefix(2);
    std::vector<Message> sent;
    if ((length & 0x8000) != 0) {
      sent = session->OnQuiet();
    } else {
      const ByteSpan head = input.first(std::min(length, input.size()));
      input.remove_prefix(head.size());
      sent = session->OnMessage({.head = ToBytes(head), .bulk = {}}, kNowMs);
    }
    if (!sending) {
      CheckNothingSealed(sent);
      SEALFOLD_CHECK(bench.payload.reads == 0 && bench.store.saves == 0);
    }
  }
  SEALFOLD_CHECK(session->state() != Session::State::kDone);
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealfold::Run(sealfold::ByteSpan(data, size));
  return 0;
}
