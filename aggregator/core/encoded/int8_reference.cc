#include "aggregator/core/encoded/int8_reference.h"

#include <algorithm>

#include "aggregator/core/fold/rounding.h"

namespace sealfold::int8_reference {

Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max) {
  bool elements_right = true;
  while (!blocks.empty()) {
    const ByteSpan block =
        blocks.first(std::min<size_t>(kInt8ScaleBytes + block_elements, blocks.size()));
    const uint32_t scale_bits = LoadInt8ScaleBits(block);
    const Int8Fault fault = ScaleFault(scale_bits, scale_bits_max);
    if (fault != Int8Fault::kNone) return fault;
    for (size_t i = 0; i < block.size() - kInt8ScaleBytes; ++i) {
      const int element = Int8Element(block, i);
      elements_right = elements_right && element >= -kInt8Max && (scale_bits != 0 || element == 0);
    }
    blocks.remove_prefix(block.size());
  }
  return elements_right ? Int8Fault::kNone : Int8Fault::kElement;
}

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum) {
  const uint64_t block_bytes = kInt8ScaleBytes + block_elements;
  uint64_t bad = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const FoldInput& input = inputs[k];
    if (FindInt8Fault(block_elements, input.elements, scale_bits_max) != Int8Fault::kNone) {
      bad |= uint64_t{1} << k;
    }
    for (size_t i = 0; i < sum.size(); ++i) {
      const ByteSpan block = input.elements.subspan(i / block_elements * block_bytes);
      const double x =
          Int8ScaleValue(LoadInt8ScaleBits(block)) * Int8Element(block, i % block_elements);
      const uint64_t term = RoundedTerm(x * input.scale);
      const auto before = static_cast<uint64_t>(sum[i]);
      sum[i] = static_cast<int64_t>(into == FoldInto::kSubtract ? before - term : before + term);
    }
  }
  return bad;
}

}  // namespace sealfold::int8_reference
