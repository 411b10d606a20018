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

void FoldInt8Many(uint64_t block_elements, absl::Span<const ByteSpan> blocks,
                  absl::Span<const double> scales, absl::Span<int64_t> sum) {
  const uint64_t block_bytes = kInt8ScaleBytes + block_elements;
  for (size_t k = 0; k < blocks.size(); ++k) {
    for (size_t i = 0; i < sum.size(); ++i) {
      const ByteSpan block = blocks[k].subspan(i / block_elements * block_bytes);
      const double x =
          Int8ScaleValue(LoadInt8ScaleBits(block)) * Int8Element(block, i % block_elements);
      sum[i] = static_cast<int64_t>(static_cast<uint64_t>(sum[i]) + RoundedTerm(x * scales[k]));
    }
  }
}

}  // namespace sealfold::int8_reference
