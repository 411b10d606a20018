#include "aggregator/core/intake/credit_window.h"

#include <algorithm>
#include <utility>

namespace sealfold {
namespace {

// The clock has whole milliseconds: a rate is measured over many of them.
constexpr uint64_t kRateMsMin = 10;

}  // namespace

CreditWindow::CreditWindow(uint64_t chunk_bytes)
    : chunks_(std::clamp<uint64_t>(kCreditBytes / chunk_bytes, 1, kCreditChunks)),
      chunks_max_(chunks_ * kCreditGrowthMax) {}

void CreditWindow::Give(uint64_t next, uint64_t now_ms) {
  if (next + chunks_ <= end_) return;
  if (!asked_.has_value()) asked_ = Given{.first = std::max(next, end_), .since_ms = now_ms};
  end_ = next + chunks_;
}

bool CreditWindow::Take(uint64_t next, uint64_t now_ms) {
  if (!asked_.has_value() || next <= asked_->first) return false;
  const uint64_t delay_ms = std::max<uint64_t>(1, now_ms - asked_->since_ms);
  delay_ms_ = std::min(delay_ms, delay_ms_.value_or(delay_ms));
  asked_.reset();
  if (!mark_.has_value()) {
    mark_ = Mark{.next = next, .at_ms = now_ms};
    return false;
  }
  const uint64_t passed_ms = now_ms - mark_->at_ms;
  if (passed_ms < std::max(kRateMsMin, *delay_ms_)) return false;
  const uint64_t in_delay = (next - mark_->next) * *delay_ms_ / passed_ms;
  mark_ = Mark{.next = next, .at_ms = now_ms};
  const uint64_t before = std::exchange(chunks_, std::clamp(2 * in_delay, chunks_, chunks_max_));
  return chunks_ > before;
}

}  // namespace sealfold
