// Participants that wait for the run to change.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_STATUS_WAITERS_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_STATUS_WAITERS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "protocol/base/bytes.h"

namespace sealfold {

// One thread. Bounded: beyond kWaitersMax the one that is due first is answered before its time.
class StatusWaiters {
 public:
  static constexpr size_t kWaitersMax = 4096;
  static constexpr uint64_t kWaitMs = 4'000;

  // Waits for a version above `after`. A second request of one `identity` takes the place of its
  // first.
  void Add(const Bytes& identity, uint64_t after, uint64_t now_ms);
  // Removes and names those whose wait is over: the version passed, the time did, or there are too
  // many.
  std::vector<Bytes> TakeDue(uint64_t version, uint64_t now_ms);
  size_t size() const { return waiting_.size(); }

 private:
  struct Waiter {
    uint64_t after;
    uint64_t due_ms;
  };
  std::map<Bytes, Waiter> waiting_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_STATUS_WAITERS_H_
