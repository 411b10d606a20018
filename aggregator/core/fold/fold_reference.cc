#include "aggregator/core/fold/fold_reference.h"

#include <cmath>
#include <cstring>

#include "aggregator/core/fold/rounding.h"
#include "protocol/model/element.h"

namespace sealfold::fold_reference {
namespace {

// The bits of one element without its sign.
uint32_t MagnitudeBits(Dtype dtype, const uint8_t* element) {
  uint32_t bits = 0;
  std::memcpy(&bits, element, DtypeSizeBytes(dtype));
  return bits & (dtype == Dtype::kF32 ? 0x7FFFFFFFu : 0x7FFFu);
}

}  // namespace

uint32_t RangeBits(Dtype dtype, double range) {
  uint8_t element[sizeof(uint32_t)];
  WriteElement(dtype, range,
               element);  // to the nearest: at most one pattern too far, infinity included
  const uint32_t bits = MagnitudeBits(dtype, element);
  const double nearest = ReadElement(dtype, element);
  return std::isinf(nearest) || nearest > range ? bits - 1 : bits;
}

bool AllInRange(Dtype dtype, ByteSpan elements, uint32_t range_bits) {
  const size_t size = DtypeSizeBytes(dtype);
  for (size_t at = 0; at < elements.size(); at += size) {
    if (MagnitudeBits(dtype, elements.data() + at) > range_bits) return false;
  }
  return true;
}

uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, uint32_t range_bits,
              absl::Span<int64_t> sum) {
  const size_t size = DtypeSizeBytes(dtype);
  const bool sets = into == FoldInto::kSet || into == FoldInto::kSetPastCaches;
  uint64_t bad = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!AllInRange(dtype, inputs[k].elements, range_bits)) bad |= uint64_t{1} << k;
  }
  for (size_t i = 0; i < sum.size(); ++i) {
    uint64_t terms = 0;
    for (const FoldInput& input : inputs) {
      // The product is exact: 24 bits of an element times at most 29 of a weight.
      const double x = ReadElement(dtype, input.elements.data() + i * size);
      terms += RoundedTerm(x * input.scale);
    }
    const auto before = static_cast<uint64_t>(sets ? 0 : sum[i]);
    sum[i] = static_cast<int64_t>(into == FoldInto::kSubtract ? before - terms : before + terms);
  }
  return bad;
}

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  const size_t size = DtypeSizeBytes(dtype);
  for (size_t i = 0; i < sum.size(); ++i) {
    const double mean = static_cast<double>(sum[i]) * step / weight_sum;
    const double moved = ReadElement(dtype, base.data() + i * size) + learning_rate * mean;
    WriteElement(dtype, moved, out.data() + i * size);
  }
}

}  // namespace sealfold::fold_reference
