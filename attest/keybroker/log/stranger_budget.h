// How many refusals of requests that nobody signed are logged: each costs a line and a write to
// disk, and anyone who reaches the broker can send them.
#ifndef SEALFOLD_ATTEST_KEYBROKER_LOG_STRANGER_BUDGET_H_
#define SEALFOLD_ATTEST_KEYBROKER_LOG_STRANGER_BUDGET_H_

#include <algorithm>
#include <cstdint>

namespace sealfold {

// A hundred at once, then one a minute: half a megabyte a day at most.
class StrangerBudget {
 public:
  static constexpr uint64_t kBurst = 100;
  static constexpr uint64_t kEach_ms = 60'000;

  // Whether one more is logged at `now_ms`. A clock that goes back gives nothing.
  bool Take(uint64_t now_ms) {
    if (now_ms > since_ms_) {
      const uint64_t earned = (now_ms - since_ms_) / kEach_ms;
      left_ = std::min(kBurst, left_ + std::min(kBurst, earned));
      since_ms_ += earned * kEach_ms;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  uint64_t left_ = kBurst;
  uint64_t since_ms_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_LOG_STRANGER_BUDGET_H_
