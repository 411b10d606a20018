// The exact fold of data that lies in no cache, beside what memory gives in the same run, and
// beside a plain float32 weighted sum with the same vectors. Memory is of the aggregator's own
// kind: pages as it stages updates in, and as it keeps the sum in.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/memory_kernels.h"

namespace sealfold::bench {
namespace {

constexpr size_t kElements = 8u << 20;
constexpr size_t kUpdatesMax = 8;
constexpr size_t kUpdates[] = {1, 2, kUpdatesMax};
constexpr double kGigabyte = 1e9;
constexpr double kSumTrafficBytes = 2 * sizeof(int64_t);  // of an element: read and written
constexpr char kUnit[] = "GB/s";

// Room for the greatest case, filled with what is a small number in each dtype.
struct Memory {
  Pages updates;
  Pages sum;
  Pages plain_sum;

  static absl::StatusOr<Memory> Make() {
    Memory memory;
    SEALFOLD_ASSIGN_OR_RETURN(
        memory.updates, Pages::Map(kUpdatesMax * kElements * sizeof(float), Pages::Use::kSealed));
    SEALFOLD_ASSIGN_OR_RETURN(memory.sum,
                              Pages::Map(kElements * sizeof(int64_t), Pages::Use::kSecret));
    SEALFOLD_ASSIGN_OR_RETURN(memory.plain_sum,
                              Pages::Map(kElements * sizeof(float), Pages::Use::kSecret));
    const MutableByteSpan bytes = memory.updates.Write();
    uint32_t state = 1;
    for (size_t at = 0; at < bytes.size(); at += sizeof(uint16_t)) {
      state = state * 1664525 + 1013904223;
      const auto element = static_cast<uint16_t>((state >> 16 & 0x83FF) | 0x3C00);
      std::memcpy(&bytes[at], &element, sizeof(element));
    }
    return memory;
  }

  absl::Span<int64_t> Sums() { return {reinterpret_cast<int64_t*>(sum.Write().data()), kElements}; }
  absl::Span<uint64_t> Numbers() {
    return {reinterpret_cast<uint64_t*>(sum.Write().data()), kElements};
  }
  absl::Span<float> PlainSums() {
    return {reinterpret_cast<float*>(plain_sum.Write().data()), kElements};
  }
  // A mapping starts at a page, so the casts are aligned.
  absl::Span<const uint64_t> UpdateNumbers() const {
    return {reinterpret_cast<const uint64_t*>(updates.span().data()),
            updates.span().size() / sizeof(uint64_t)};
  }
  std::vector<ByteSpan> Updates(size_t count, size_t element_bytes) const {
    std::vector<ByteSpan> out;
    for (size_t k = 0; k < count; ++k) {
      out.push_back(
          updates.span().subspan(k * kElements * element_bytes, kElements * element_bytes));
    }
    return out;
  }
  std::vector<absl::Span<const float>> PlainUpdates(size_t count) const {
    std::vector<absl::Span<const float>> out;
    for (const ByteSpan update : Updates(count, sizeof(float))) {
      out.emplace_back(reinterpret_cast<const float*>(update.data()), kElements);
    }
    return out;
  }
};

// What the fold could be where its traffic is all that takes time: `input` bytes at the speed of
// reading and the sum at that of changing in place, of the same repeat.
Samples Bound(double input_bytes, const Samples& reading, const Samples& changing) {
  Samples out;
  for (size_t i = 0; i < reading.values.size(); ++i) {
    const double seconds_gigabyte =
        input_bytes / reading.values[i] + kElements * kSumTrafficBytes / changing.values[i];
    out.values.push_back(input_bytes / seconds_gigabyte);
  }
  return out;
}

Samples Times(const Samples& samples, double factor) {
  Samples out = samples;
  for (double& value : out.values) value *= factor;
  return out;
}

absl::Status BenchDtype(const Report& report, Memory& memory, Dtype dtype) {
  const size_t element_bytes = DtypeSizeBytes(dtype);
  const std::string name = absl::AsciiStrToLower(DtypeName(dtype));
  const ByteSpan all = memory.updates.span();
  uint64_t sink = 0;
  std::vector<Timed> competitors = {{.call = [&] { sink |= ReadAll(memory.UpdateNumbers()); },
                                     .work = static_cast<double>(all.size()) / kGigabyte},
                                    {.call = [&] { IncrementAll(memory.Numbers()); },
                                     .work = kElements * kSumTrafficBytes / kGigabyte},
                                    {.call = [&] { SEALFOLD_CHECK(AllInRange(dtype, all, 4.0)); },
                                     .work = static_cast<double>(all.size()) / kGigabyte}};
  for (const size_t count : kUpdates) {
    const auto input_bytes = static_cast<double>(count * kElements * element_bytes);
    competitors.push_back(
        {.call =
             [&memory, dtype, count, element_bytes] {
               std::vector<FoldInput> inputs;
               for (const ByteSpan update : memory.Updates(count, element_bytes)) {
                 inputs.push_back({.elements = update, .scale = 0x1p40});
               }
               SEALFOLD_CHECK(Fold(FoldInto::kAdd, dtype, inputs, 4.0, memory.Sums()) == 0);
             },
         .work = input_bytes / kGigabyte});
    competitors.push_back({.call =
                               [&memory, count] {
                                 const std::vector<float> weights(count, 1.5F);
                                 PlainAddMany(memory.PlainUpdates(count), weights,
                                              memory.PlainSums());
                               },
                           .work = static_cast<double>(count * kElements) / kGigabyte});
  }
  const std::vector<Samples> rates = MeasureRates(report.options(), Clock::kThreadCpu, competitors);
  SEALFOLD_CHECK(sink != 0);

  const Samples& reading = rates[0];
  const Samples& changing = rates[1];
  report.Line(absl::StrCat("all_in_range_", name), kUnit, rates[2],
              "reading memory with the same vectors, same run", reading);
  size_t next = 3;
  for (const size_t count : kUpdates) {
    const Samples& fold = rates[next++];
    const Samples& plain_elements = rates[next++];  // 1e9 elements a second
    const auto input_bytes = static_cast<double>(count * kElements * element_bytes);
    const std::string line = absl::StrCat("fold_", name, "_updates", count);
    report.Line(
        line, kUnit, fold,
        "input at the speed of reading memory, the sum at that of changing it in place, same run",
        Bound(input_bytes, reading, changing));
    report.Line(absl::StrCat(line, "_traffic"), kUnit,
                Times(fold, 1 + kElements * kSumTrafficBytes / input_bytes),
                "reading memory with the same vectors, same run", reading);
    report.Line(absl::StrCat(line, "_elements"), "1e9 elements/s",
                Times(fold, 1 / static_cast<double>(element_bytes)),
                "plain float32 weighted sum of float32 elements with the same vectors",
                plain_elements);
  }
  return absl::OkStatus();
}

absl::Status BenchFold(const Report& report) {
  const OneCore one_core;
  SEALFOLD_ASSIGN_OR_RETURN(Memory memory, Memory::Make());
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16, Dtype::kF16}) {
    SEALFOLD_RETURN_IF_ERROR(BenchDtype(report, memory, dtype));
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold",
                                 "the exact fold beside memory's speed and a plain float32 sum",
                                 &BenchFold);

}  // namespace
}  // namespace sealfold::bench
