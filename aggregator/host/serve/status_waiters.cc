#include "aggregator/host/serve/status_waiters.h"

#include <algorithm>

namespace sealfold {

void StatusWaiters::Add(const Bytes& identity, uint64_t after, uint64_t now_ms) {
  waiting_[identity] = {.after = after, .due_ms = now_ms + kWaitMs};
}

std::vector<Bytes> StatusWaiters::TakeDue(uint64_t version, uint64_t now_ms) {
  std::vector<Bytes> due;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (version > it->second.after || now_ms >= it->second.due_ms) {
      due.push_back(it->first);
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
  while (waiting_.size() > kWaitersMax) {
    auto first = std::min_element(
        waiting_.begin(), waiting_.end(),
        [](const auto& a, const auto& b) { return a.second.due_ms < b.second.due_ms; });
    due.push_back(first->first);
    waiting_.erase(first);
  }
  return due;
}

}  // namespace sealfold
