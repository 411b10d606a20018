// A relay between participants and the coordinator, as a hostile network or host would be one.
#ifndef SEALFOLD_TESTS_E2E_RELAY_H_
#define SEALFOLD_TESTS_E2E_RELAY_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "protocol/message/message.h"

namespace sealfold {

// How often something is done to a message, in parts per thousand; each is drawn on its own.
struct Harm {
  int drop = 0;
  int duplicate = 0;
  int flip = 0;               // one bit of head or bulk
  int delay = 0;              // past up to eight later messages: re-orders
  int replay = 0;             // an old message of the same connection once more
  uint64_t harmed_max = 300;  // then it lets everything pass, so that a test ends
};

// Listens on a port of its own and forwards to `coordinator` from a thread; stops when it goes.
class Relay {
 public:
  // `seed` decides all that is harmed. `on_message` is called in the relay's thread for each
  // message from a participant, before it goes on; it may start or kill processes.
  Relay(const std::string& coordinator, uint64_t seed, const Harm& harm,
        std::function<void(const Message&)> on_message = nullptr);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  uint64_t harmed() const { return harmed_; }

 private:
  struct State;
  void Loop();
  std::string endpoint_;
  std::unique_ptr<State> state_;
  std::atomic<uint64_t> harmed_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_E2E_RELAY_H_
