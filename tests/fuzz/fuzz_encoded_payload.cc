// Any bytes as a stretch of a compressed update: what the check lets through is folded, and every
// element it stands for is within the range, which the fold's exactness rests on; anything else
// leaves no trace in the sum.
//
// The input is: encoding (1 byte), then the payload's bytes, cut or filled up with zeros.
#include <algorithm>
#include <array>
#include <cmath>

#include "aggregator/core/encoded/encoded_payload.h"
#include "aggregator/core/testing/sample_payload.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kChunkBytes = 4096;
constexpr double kRange = 0.75;

// The same for every input: a layout of a few chunks for each encoding.
const std::array<PayloadLayout, 4>& Layouts() {
  static const std::vector<TensorSpec> tensors = {{"a", Dtype::kF32, {33, 5}},
                                                  {"b", Dtype::kBf16, {77}},
                                                  {"c", Dtype::kF32, {}},
                                                  {"d", Dtype::kF16, {130}}};
  const auto layout = [](const UpdateEncoding& encoding) {
    return PayloadLayout::Of(tensors, encoding, kChunkBytes);
  };
  static const std::array<PayloadLayout, 4> layouts = {
      layout({.block_elements = 32}), layout({.block_elements = 128}),
      layout({.kind = EncodingKind::kTopK, .block_elements = 32, .kept = 3}),
      layout({.kind = EncodingKind::kTopK, .block_elements = 65536, .kept = 20})};
  return layouts;
}

void Run(ByteSpan data) {
  if (data.empty()) return;
  const PayloadLayout& layout = Layouts()[data[0] % Layouts().size()];
  data.remove_prefix(1);
  Bytes payload = ToBytes(data.first(std::min<size_t>(data.size(), layout.size_bytes)));
  payload.resize(layout.size_bytes);
  const Grid grid = *Grid::Make(kRange, Weight(1000));
  const bool right = !FindEncodedFault(layout, grid, 0, payload).has_value();
  const FoldInput update{.elements = payload, .scale = grid.Scale(Weight(999))};
  const std::vector<int64_t> zeros(layout.sum_elements);
  std::vector<int64_t> sum = zeros;
  const uint64_t bad =
      FoldEncoded(FoldInto::kAdd, layout, grid, 0, {&update, 1}, absl::MakeSpan(sum));
  SEALFOLD_CHECK(bad == (right ? 0 : 1));
  if (!right) {
    SEALFOLD_CHECK(sum == zeros);
    return;
  }
  for (const double x : testing::DecodePayload(layout, payload)) {
    SEALFOLD_CHECK(std::abs(x) <= kRange);
  }
  for (const int64_t s : sum) SEALFOLD_CHECK(std::abs(s) <= int64_t{1} << 47);
  SEALFOLD_CHECK(
      FoldEncoded(FoldInto::kSubtract, layout, grid, 0, {&update, 1}, absl::MakeSpan(sum)) == 0);
  SEALFOLD_CHECK(sum == zeros);
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealfold::Run(sealfold::ByteSpan(data, size));
  return 0;
}
