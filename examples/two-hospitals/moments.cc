#include "examples/two-hospitals/moments.h"

#include <array>

#include "protocol/base/error.h"

namespace sealfold::two_hospitals {
namespace {

constexpr size_t kValues = kMeasures + kMeasures * kMeasures;

// Secrets end where their pages end: a multiple of 64 bytes keeps the beginning aligned.
constexpr size_t kMemoryBytes = (kValues * sizeof(double) + 63) / 64 * 64;

}  // namespace

Moments::Moments() : memory_(kMemoryBytes) {}

absl::Span<const double> Moments::values() const {
  return {reinterpret_cast<const double*>(memory_.span().data()), kValues};
}

absl::Span<double> Moments::mutable_values() {
  return {reinterpret_cast<double*>(memory_.mutable_span().data()), kValues};
}

// Welford's way: no sums of squares, which cancel.
void Moments::Add(absl::Span<const double> measures) {
  SEALFOLD_CHECK(measures.size() == kMeasures);
  ++patients_;
  const absl::Span<double> means = mutable_values().first(kMeasures);
  const absl::Span<double> comoments = mutable_values().subspan(kMeasures);
  std::array<double, kMeasures> before;
  for (size_t a = 0; a < kMeasures; ++a) {
    before[a] = measures[a] - means[a];
    means[a] += before[a] / static_cast<double>(patients_);
  }
  for (size_t a = 0; a < kMeasures; ++a) {
    for (size_t b = 0; b < kMeasures; ++b) {
      comoments[a * kMeasures + b] += before[a] * (measures[b] - means[b]);
    }
  }
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(before.data()), sizeof(before)));
}

void Moments::Merge(const Moments& other) {
  if (other.patients_ == 0) return;
  const auto own = static_cast<double>(patients_);
  const auto others = static_cast<double>(other.patients_);
  const absl::Span<double> means = mutable_values().first(kMeasures);
  const absl::Span<double> comoments = mutable_values().subspan(kMeasures);
  std::array<double, kMeasures> distance;
  for (size_t a = 0; a < kMeasures; ++a) distance[a] = other.mean(a) - means[a];
  for (size_t a = 0; a < kMeasures; ++a) {
    means[a] += distance[a] * others / (own + others);
    for (size_t b = 0; b < kMeasures; ++b) {
      comoments[a * kMeasures + b] +=
          other.comoment(a, b) + distance[a] * distance[b] * own * others / (own + others);
    }
  }
  patients_ += other.patients_;
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(distance.data()), sizeof(distance)));
}

double Moments::variance(size_t measure) const {
  SEALFOLD_CHECK(patients_ >= 2);
  return comoment(measure, measure) / static_cast<double>(patients_ - 1);
}

}  // namespace sealfold::two_hospitals
