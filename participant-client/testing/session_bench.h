// A session beside a simulated aggregator, with messages carried by hand.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_TESTING_SESSION_BENCH_H_
#define SEALFOLD_PARTICIPANT_CLIENT_TESTING_SESSION_BENCH_H_

#include <deque>
#include <memory>
#include <vector>

#include "participant-client/session/session.h"
#include "participant-client/testing/fakes.h"
#include "participant-client/testing/simulated_aggregator.h"

namespace sealfold::testing_world {

inline Bytes PayloadOf(const Plan& plan) {
  Bytes payload(plan.payload_layout().size_bytes);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return payload;
}

// What survives of a participant when its process does not, and the sessions of its processes.
struct SessionBench {
  explicit SessionBench(World& w) : world(w), payload(PayloadOf(w.plan.plan)) {}

  std::unique_ptr<Session> NewProcess() {
    return std::make_unique<Session>(
        SessionSetup{.policy = world.policy,
                     .plan = world.plan,
                     .key = world.me(),
                     .store = store,
                     .memory = store.memory.has_value() ? *store.memory : world.EmptyMemory(),
                     .update = update,
                     .payload = payload,
                     .model_key = {},
                     .seed = SeedOf(++processes, "session")});
  }

  // Carries messages both ways until both have nothing more to say, at most `messages_max` to the
  // aggregator (the rest is lost). Returns how many it carried there.
  uint64_t Run(Session& session, SimulatedAggregator& aggregator, std::vector<Message> first,
               uint64_t messages_max = 1000, uint64_t now_ms = kNowMs) {
    std::deque<Message> to_aggregator(first.begin(), first.end());
    uint64_t carried = 0;
    while (!to_aggregator.empty() && carried < messages_max) {
      const Message message = to_aggregator.front();
      to_aggregator.pop_front();
      ++carried;
      for (const Message& answer : aggregator.On(message)) {
        for (Message& next : session.OnMessage(answer, now_ms))
          to_aggregator.push_back(std::move(next));
      }
    }
    return carried;
  }

  World& world;
  StoreInMemory store;
  PayloadInMemory payload;
  UpdateIdentity update{
      .path = "/update", .size_bytes = 1, .modified_ns = 1, .weight = Weight(120)};
  uint64_t processes = 0;
};

}  // namespace sealfold::testing_world

#endif  // SEALFOLD_PARTICIPANT_CLIENT_TESTING_SESSION_BENCH_H_
