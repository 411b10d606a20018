// The exact fold of updates that wait in memory in the clear: beside the roofline of the same run,
// and beside a plain float32 weighted sum of the same bytes with the same vectors.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/encoded/int8_fold.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"
#include "protocol/model/int8_scale.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/fold_memory.h"
#include "tests/bench/kit/memory_kernels.h"
#include "tests/bench/kit/roofline.h"

namespace sealfold::bench {
namespace {

constexpr size_t kUpdates[] = {2, 4, 8, 16, 32, 64};
constexpr double kRange = 4.0;
constexpr double kScale = 0x1p40;
constexpr double kGigabyte = 1e9;
constexpr char kUnit[] = "GB/s";
constexpr Goal kOfRoofline{.kind = Goal::Kind::kAtLeast, .ratio = 0.85};
constexpr Goal kOfFloat{.kind = Goal::Kind::kAtLeast, .ratio = 0.95};
constexpr uint64_t kBlockElements = 64;
constexpr uint64_t kBlockBytes = kInt8ScaleBytes + kBlockElements;
// Between updates: a few lines of the cache, or blocks.
constexpr uint64_t kGapBytes = 5 * 64;
constexpr uint64_t kGapBlocks = 5;

// What takes turns with the fold in every repeat: the speeds that bound it.
class Ground {
 public:
  static constexpr size_t kCount = 3;

  Ground(const Report& report, FoldMemory& memory)
      : memory_(memory), issue_(report.options().tiny ? 1 << 12 : 1 << 22) {}

  std::vector<Timed> competitors() {
    return {{.call = [this] { sink_ |= ReadAll(memory_.UpdateNumbers()); },
             .work = static_cast<double>(memory_.updates_bytes()) / kGigabyte},
            {.call = [this] { IncrementAll(memory_.SumNumbers()); },
             .work = static_cast<double>(memory_.elements_max()) * kSumTrafficBytes / kGigabyte},
            {.call = [this] { sink_ |= IssueVectors(issue_); },
             .work = static_cast<double>(issue_) / kGigabyte}};
  }
  static Speeds SpeedsOf(const std::vector<Samples>& rates) {
    return {.read = rates[0], .change = rates[1], .vectors = rates[2]};
  }

 private:
  FoldMemory& memory_;
  uint64_t issue_;
  uint64_t sink_ = 0;  // so that nothing is left out
};

double Passes(size_t updates, size_t at_once) {
  const size_t passes = (updates + at_once - 1) / at_once;
  return static_cast<double>(passes);
}

struct DenseDtype {
  Dtype dtype;
  const char* line;
  // Of one element: for a vector of patterns magnitude and greatest, for each of its 2 or 4 vectors
  // of doubles what converts it (BF16 takes one more without AVX-512), a product with sum and a
  // sum.
  double vectors;
};
constexpr DenseDtype kDense[] = {{Dtype::kF32, "fold_f32", 2.0 / 2 + 3},
                                 {Dtype::kBf16, "fold_bf16", 2.0 / 4 + 4},
                                 {Dtype::kF16, "fold_f16", 2.0 / 4 + 4}};

absl::Status BenchDense(const Report& report, FoldMemory& memory, const DenseDtype& dense,
                        size_t updates) {
  const uint64_t update_bytes = memory.updates_bytes() / updates;
  const uint64_t elements = update_bytes / DtypeSizeBytes(dense.dtype);
  const absl::Span<int64_t> sums = memory.Sums(elements);
  const double gigabytes = static_cast<double>(memory.updates_bytes()) / kGigabyte;
  Ground ground(report, memory);
  std::vector<FoldInput> inputs;
  for (const ByteSpan update : memory.Updates(updates, update_bytes, kGapBytes)) {
    inputs.push_back({.elements = update, .scale = kScale});
  }
  std::vector<Timed> competitors = ground.competitors();
  competitors.push_back(
      {.call =
           [&] { SEALFOLD_CHECK(Fold(FoldInto::kAdd, dense.dtype, inputs, kRange, sums) == 0); },
       .work = gigabytes});
  const bool plain = dense.dtype == Dtype::kF32;
  const std::vector<float> weights(updates, 1.5F);
  std::vector<absl::Span<const float>> plain_updates;
  for (const FoldInput& input : inputs) {
    plain_updates.emplace_back(reinterpret_cast<const float*>(input.elements.data()), elements);
  }
  if (plain) {
    competitors.push_back(
        {.call = [&] { PlainAddMany(plain_updates, weights, memory.PlainSums(elements)); },
         .work = gigabytes});
  }
  const std::vector<Samples> rates = MeasureRates(report.options(), Clock::kThreadCpu, competitors);
  const Samples& fold = rates[Ground::kCount];
  const Roofline roofline = RooflineOf({.updates = updates,
                                        .elements = elements,
                                        .update_bytes = static_cast<double>(update_bytes),
                                        .vectors_an_element = dense.vectors,
                                        .passes = Passes(updates, 8)},
                                       Ground::SpeedsOf(rates));
  const LineExtra extra{.where = {{"updates", updates}}, .goal = kOfRoofline};
  report.Line(dense.line, kUnit, fold, roofline.what, roofline.rate, extra);
  if (plain) {
    report.Line("exact_vs_float", kUnit, fold,
                "float32 weighted sum of the same bytes with the same vectors, not checked",
                rates[Ground::kCount + 1], {.where = extra.where, .goal = kOfFloat});
  }
  return absl::OkStatus();
}

absl::Status BenchInt8(const Report& report, FoldMemory& memory, size_t updates) {
  const uint64_t blocks = std::min(memory.updates_bytes() / updates / kBlockBytes,
                                   memory.elements_max() / kBlockElements);
  const uint64_t elements = blocks * kBlockElements;
  const uint64_t update_bytes = blocks * kBlockBytes;
  Ground ground(report, memory);
  std::vector<FoldInput> inputs;
  for (const ByteSpan update : memory.Updates(updates, update_bytes, kGapBlocks * kBlockBytes)) {
    inputs.push_back({.elements = update, .scale = kScale});
  }
  const absl::Span<int64_t> sums = memory.Sums(elements);
  std::vector<Timed> competitors = ground.competitors();
  competitors.push_back({.call =
                             [&] {
                               SEALFOLD_CHECK(FoldInt8(FoldInto::kAdd, kBlockElements,
                                                       Int8ScaleBitsMax(kRange), inputs,
                                                       sums) == 0);
                             },
                         .work = static_cast<double>(updates * update_bytes) / kGigabyte});
  const std::vector<Samples> rates = MeasureRates(report.options(), Clock::kThreadCpu, competitors);
  // Of one element: its widening, one or two to become a double, and a product with sum; for as
  // many as four vectors have doubles one more, the least. Nothing for the scales.
  const double vectors = VectorDoubles() == 8 ? 3.25 : 4.25;
  const Roofline roofline = RooflineOf({.updates = updates,
                                        .elements = elements,
                                        .update_bytes = static_cast<double>(update_bytes),
                                        .vectors_an_element = vectors,
                                        .passes = Passes(updates, 8)},
                                       Ground::SpeedsOf(rates));
  report.Line("fold_int8", kUnit, rates[Ground::kCount], roofline.what, roofline.rate,
              {.where = {{"updates", updates}}, .goal = kOfRoofline});
  return absl::OkStatus();
}

// What the memory holds becomes blocks of 64 elements, -127 to 127, with the scale 2^-6.
void WriteBlocks(MutableByteSpan bytes) {
  const float scale = 0x1p-6F;
  for (uint64_t block = 0; (block + 1) * kBlockBytes <= bytes.size(); ++block) {
    const MutableByteSpan to = bytes.subspan(block * kBlockBytes, kBlockBytes);
    std::memcpy(to.data(), &scale, kInt8ScaleBytes);
    for (uint64_t i = 0; i < kBlockElements; ++i) {
      to[kInt8ScaleBytes + i] = static_cast<uint8_t>((block * 31 + i * 7) % 255 - 127);
    }
  }
}

absl::Status BenchFold(const Report& report) {
  const OneCore one_core;
  const size_t most = report.options().tiny ? 8 : 64;
  // However many updates there are, together they and their sum are more than caches hold.
  const uint64_t updates_bytes = report.options().tiny ? 1 << 18 : 512 << 20;
  SEALFOLD_ASSIGN_OR_RETURN(FoldMemory memory,
                            FoldMemory::Make(updates_bytes, most * kGapBlocks * kBlockBytes,
                                             updates_bytes / kUpdates[0] / sizeof(uint16_t)));
  for (const DenseDtype& dense : kDense) {
    for (const size_t updates : kUpdates) {
      if (updates > most) continue;
      SEALFOLD_RETURN_IF_ERROR(BenchDense(report, memory, dense, updates));
    }
  }
  WriteBlocks(memory.UpdateBytes());
  for (const size_t updates : kUpdates) {
    if (updates > most) continue;
    SEALFOLD_RETURN_IF_ERROR(BenchInt8(report, memory, updates));
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/kernels",
                                 "the exact fold beside its roofline and a plain float32 sum",
                                 &BenchFold);

}  // namespace
}  // namespace sealfold::bench
