#include "tests/bench/kit/fold_memory.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/error.h"

namespace sealfold::bench {

absl::StatusOr<FoldMemory> FoldMemory::Make(uint64_t updates_bytes, uint64_t gaps_bytes,
                                            uint64_t elements_max) {
  SEALFOLD_ASSIGN_OR_RETURN(Pages updates,
                            Pages::Map(updates_bytes + gaps_bytes, Pages::Use::kSealed));
  SEALFOLD_ASSIGN_OR_RETURN(Pages sum,
                            Pages::Map(elements_max * sizeof(int64_t), Pages::Use::kSecret));
  SEALFOLD_ASSIGN_OR_RETURN(Pages plain_sum,
                            Pages::Map(elements_max * sizeof(float), Pages::Use::kSecret));
  constexpr size_t kPatternBytes = 1 << 20;
  Bytes pattern(std::min<uint64_t>(kPatternBytes, updates_bytes));
  uint32_t state = 1;
  for (size_t at = 0; at + sizeof(uint16_t) <= pattern.size(); at += sizeof(uint16_t)) {
    state = state * 1664525 + 1013904223;
    const auto element = static_cast<uint16_t>((state >> 16 & 0x83FF) | 0x3C00);
    std::memcpy(&pattern[at], &element, sizeof(element));
  }
  const MutableByteSpan bytes = updates.Write();
  for (size_t at = 0; at < bytes.size(); at += pattern.size()) {
    std::copy_n(pattern.begin(), std::min(pattern.size(), bytes.size() - at), &bytes[at]);
  }
  return FoldMemory(updates_bytes, std::move(updates), std::move(sum), std::move(plain_sum));
}

// A mapping starts at a page, so the casts are aligned.
absl::Span<int64_t> FoldMemory::Sums(uint64_t elements) {
  SEALFOLD_CHECK(elements <= elements_max());
  return {reinterpret_cast<int64_t*>(sum_.Write().data()), elements};
}

absl::Span<float> FoldMemory::PlainSums(uint64_t elements) {
  SEALFOLD_CHECK(elements <= elements_max());
  return {reinterpret_cast<float*>(plain_sum_.Write().data()), elements};
}

absl::Span<uint64_t> FoldMemory::SumNumbers() {
  return {reinterpret_cast<uint64_t*>(sum_.Write().data()), elements_max()};
}

absl::Span<const uint64_t> FoldMemory::UpdateNumbers() const {
  return {reinterpret_cast<const uint64_t*>(updates_.span().data()),
          updates_bytes_ / sizeof(uint64_t)};
}

std::vector<ByteSpan> FoldMemory::Updates(size_t count, uint64_t update_bytes,
                                          uint64_t gap_bytes) const {
  const uint64_t stride_bytes = update_bytes + gap_bytes;
  SEALFOLD_CHECK(count * stride_bytes <= updates_.size());
  std::vector<ByteSpan> out;
  for (size_t k = 0; k < count; ++k) {
    out.push_back(updates_.span().subspan(k * stride_bytes, update_bytes));
  }
  return out;
}

}  // namespace sealfold::bench
