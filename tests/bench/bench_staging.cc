// Four ways for updates to wait until they may count, with the same eight sealed updates and one
// core: how fast, and how much memory. What arrives lies in memory of its own, as in a socket's
// buffers.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/memory/sum.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/arrived_updates.h"

namespace sealfold::bench {
namespace {

constexpr size_t kUpdates = 8;
constexpr double kGigabyte = 1e9;
constexpr double kMegabyte = 1e6;
constexpr double kRange = 1.0;

class Staging {
 public:
  static absl::StatusOr<std::unique_ptr<Staging>> Make(uint64_t elements) {
    auto out = std::unique_ptr<Staging>(new Staging(elements));
    const uint64_t sealed = kUpdates * out->arrived_[0].update.size_bytes();
    SEALFOLD_ASSIGN_OR_RETURN(out->sum_,
                              Pages::Map(elements * sizeof(int64_t), Pages::Use::kSecret));
    SEALFOLD_ASSIGN_OR_RETURN(out->staged_, Pages::Map(sealed, Pages::Use::kSealed));
    SEALFOLD_ASSIGN_OR_RETURN(
        out->plain_, Pages::Map(kUpdates * out->maker_.payload_bytes(), Pages::Use::kSecret));
    SEALFOLD_ASSIGN_OR_RETURN(out->scratch_, ScratchFor(out->thread_, out->maker_.plan()));
    return out;
  }

  double gigabytes() const {
    return static_cast<double>(kUpdates * maker_.payload_bytes()) / kGigabyte;
  }
  double sum_megabytes() const { return static_cast<double>(sum_.size()) / kMegabyte; }
  double sealed_megabytes() const { return static_cast<double>(staged_.size()) / kMegabyte; }
  double plain_megabytes() const { return static_cast<double>(plain_.size()) / kMegabyte; }

  // What Sealfold does: the ciphertext waits, and is opened once, column by column.
  void ByColumn() {
    ForEachChunk([&](size_t k, uint64_t i) { StageSealed(k, i); });
    FoldSealed();
  }

  // The ciphertext waits, opened and checked when it comes, and again when it is folded.
  void OpenedTwice() {
    ForEachChunk([&](size_t k, uint64_t i) {
      const MutableByteSpan chunk = scratch_[0].Slot(0, maker_.Plaintext(i).size());
      Open(k, i, chunk);
      SEALFOLD_CHECK(AllInRange(Dtype::kF32, chunk, kRange));
      StageSealed(k, i);
    });
    FoldSealed();
  }

  // The plaintext waits.
  void Plaintext() {
    const MutableByteSpan plain = plain_.Write();
    const uint64_t size = maker_.payload_bytes();
    ForEachChunk([&](size_t k, uint64_t i) {
      const MutableByteSpan chunk =
          plain.subspan(k * size + i * maker_.plan().chunk_bytes, maker_.Plaintext(i).size());
      Open(k, i, chunk);
      SEALFOLD_CHECK(AllInRange(Dtype::kF32, chunk, kRange));
    });
    std::vector<FoldInput> inputs;
    for (size_t k = 0; k < kUpdates; ++k) {
      inputs.push_back({.elements = plain.subspan(k * size, size), .scale = maker_.scale()});
    }
    SEALFOLD_CHECK(Fold(FoldInto::kSetPastCaches, Dtype::kF32, inputs, kRange, Sums()) == 0);
  }

  // Nothing waits: each chunk goes into the sum as it comes, and would be taken out again by -w.
  void Undo() {
    ForEachChunk([&](size_t k, uint64_t i) {
      const MutableByteSpan chunk = scratch_[0].Slot(0, maker_.Plaintext(i).size());
      Open(k, i, chunk);
      const FoldInput input{.elements = chunk, .scale = maker_.scale()};
      SEALFOLD_CHECK(Fold(k == 0 ? FoldInto::kSet : FoldInto::kAdd, Dtype::kF32, {&input, 1},
                          kRange, maker_.SumOf(i, Sums())) == 0);
    });
  }

 private:
  explicit Staging(uint64_t elements) : maker_(elements), arrived_(maker_.ArriveMany(kUpdates)) {}

  absl::Span<int64_t> Sums() {
    return {reinterpret_cast<int64_t*>(sum_.Write().data()), maker_.elements()};
  }
  template <class Use>
  void ForEachChunk(const Use& use) const {
    for (size_t k = 0; k < kUpdates; ++k) {
      for (uint64_t i = 0; i < maker_.chunk_count(); ++i) use(k, i);
    }
  }
  void Open(size_t k, uint64_t i, MutableByteSpan out) const {
    SEALFOLD_CHECK(arrived_[k].update.Open(i, out).ok());
  }
  void StageSealed(size_t k, uint64_t i) {
    const ByteSpan chunk = arrived_[k].update.chunk(i);
    const uint64_t at =
        k * arrived_[k].update.size_bytes() + i * (maker_.plan().chunk_bytes + kAeadTagSize);
    std::copy(chunk.begin(), chunk.end(), staged_.Write().subspan(at).begin());
  }
  // From where they arrived: memory of the same kind, and as long not read, as where they wait.
  void FoldSealed() { FoldAll(maker_.Task(arrived_, Sums()), thread_, absl::MakeSpan(scratch_)); }

  UpdateMaker maker_;
  std::vector<ArrivedUpdate> arrived_;
  Pages sum_;
  Pages staged_;
  Pages plain_;
  CallingThread thread_;
  std::vector<ColumnScratch> scratch_;
};

absl::Status BenchStaging(const Report& report) {
  const OneCore one_core;
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Staging> staging,
                            Staging::Make(report.options().tiny ? 1 << 18 : 8 << 20));
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kThreadCpu,
                   {{.call = [&] { staging->ByColumn(); }, .work = staging->gigabytes()},
                    {.call = [&] { staging->OpenedTwice(); }, .work = staging->gigabytes()},
                    {.call = [&] { staging->Plaintext(); }, .work = staging->gigabytes()},
                    {.call = [&] { staging->Undo(); }, .work = staging->gigabytes()}});
  const struct {
    std::string name;
    double waits_megabytes;
  } ways[] = {{"staging_by_column", staging->sealed_megabytes()},
              {"staging_opened_twice", staging->sealed_megabytes()},
              {"staging_plaintext", staging->plain_megabytes()},
              {"staging_undo", 0}};
  for (size_t i = 0; i < std::size(ways); ++i) {
    report.Line(ways[i].name, "GB/s", rates[i],
                "the ciphertext staged and opened once, column by column, same run", rates[0]);
    report.Line(ways[i].name + "_memory", "MB",
                {{staging->sum_megabytes() + ways[i].waits_megabytes}},
                "the sum alone; counted, not measured", {{staging->sum_megabytes()}});
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/staging",
                                 "four ways for updates to wait until they may count",
                                 &BenchStaging);

}  // namespace
}  // namespace sealfold::bench
