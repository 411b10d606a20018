// What an update costs the aggregator's core, from a model of 1 kB to one of 4 GB: its begin
// opened, every chunk of it opened, checked and folded, on one core. Beside a straight line through
// all sizes: a cost for each update and a cost for each byte.
//
// The sum of a model of 4 GB has 8 GB, so a sum longer than kWindowBytes is had in windows: pages
// are taken and given back outside of what is timed.
#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_format.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/arrived_updates.h"
#include "tests/bench/kit/line_fit.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kWindowBytes = 64u << 20;  // of payload
constexpr uint64_t kCopiesBytes = 64u << 20;  // of small updates, so that they are not in a cache
constexpr uint64_t kCopiesMax = 256;
constexpr double kNano = 1e9;

class Model {
 public:
  static absl::StatusOr<std::unique_ptr<Model>> Make(uint64_t payload_bytes) {
    auto out = std::unique_ptr<Model>(new Model(payload_bytes));
    SEALFOLD_ASSIGN_OR_RETURN(
        out->sum_, Pages::Map(out->maker_.elements() * sizeof(int64_t), Pages::Use::kSealed));
    SEALFOLD_ASSIGN_OR_RETURN(out->scratch_, ColumnScratch::Make(out->maker_.plan().chunk_bytes));
    return out;
  }
  uint64_t payload_bytes() const { return maker_.payload_bytes(); }

  // Seconds of this thread for one update.
  double Once() {
    const ArrivedUpdate& arrived = copies_[next_++ % copies_.size()];
    double start = NowSeconds(Clock::kThreadCpu);
    SEALFOLD_CHECK(maker_.OpenBegin(arrived).ok());
    double seconds = NowSeconds(Clock::kThreadCpu) - start;

    const absl::Span<int64_t> sum(reinterpret_cast<int64_t*>(sum_.Write().data()),
                                  maker_.elements());
    const BatchTask task = maker_.Task({&arrived, 1}, sum);
    const uint64_t columns = maker_.chunk_count();
    const uint64_t window = kWindowBytes / maker_.plan().chunk_bytes;
    for (uint64_t first = 0; first < columns; first += window) {
      const uint64_t end = std::min(columns, first + window);
      const auto part = PartOf(first, end, sum);
      if (columns > window) std::fill(part.begin(), part.end(), 0);
      start = NowSeconds(Clock::kThreadCpu);
      for (uint64_t column = first; column < end; ++column) {
        SEALFOLD_CHECK(FoldColumn(task, column, 1, end, *scratch_).all() == 0);
      }
      scratch_->Wipe();
      seconds += NowSeconds(Clock::kThreadCpu) - start;
      if (columns > window) {
        SEALFOLD_CHECK(madvise(part.data(), part.size() * sizeof(int64_t), MADV_DONTNEED) == 0);
      }
    }
    return seconds;
  }

 private:
  explicit Model(uint64_t payload_bytes)
      : maker_(payload_bytes / sizeof(float)),
        copies_(
            maker_.ArriveMany(std::clamp<uint64_t>(kCopiesBytes / payload_bytes, 1, kCopiesMax))) {}

  absl::Span<int64_t> PartOf(uint64_t first, uint64_t end, absl::Span<int64_t> sum) const {
    const uint64_t chunk = maker_.plan().chunk_bytes / sizeof(float);
    return sum.subspan(first * chunk, std::min(end * chunk, maker_.elements()) - first * chunk);
  }

  const UpdateMaker maker_;
  const std::vector<ArrivedUpdate> copies_;
  Pages sum_;
  std::optional<ColumnScratch> scratch_;
  size_t next_ = 0;
};

absl::Status BenchCostPerByte(const Report& report) {
  const OneCore one_core;
  std::vector<uint64_t> sizes = {1 << 10, 1 << 15, 1 << 20, 1 << 25};
  if (!report.options().tiny) sizes.insert(sizes.end(), {uint64_t{1} << 30, uint64_t{1} << 32});
  std::vector<std::unique_ptr<Model>> models;
  for (const uint64_t size : sizes) {
    SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, Model::Make(size));
    model->Once();  // first writes of its pages
    models.push_back(std::move(model));
  }
  std::vector<Samples> seconds(models.size());
  for (int repeat = 0; repeat < report.options().repeats; ++repeat) {
    for (size_t i = 0; i < models.size(); ++i) {
      double sum = 0;
      double times = 0;
      do {
        sum += models[i]->Once();
        ++times;
      } while (sum < report.options().seconds);
      seconds[i].values.push_back(sum / times);
    }
  }
  std::vector<FitPoint> points;
  for (size_t i = 0; i < models.size(); ++i) {
    points.push_back({static_cast<double>(sizes[i]), seconds[i].Median()});
  }
  const FittedLine line = FitLine(points);
  const std::string against =
      absl::StrFormat("straight line through all sizes: %.1f us an update and %.4f ns a byte",
                      line.constant * 1e6, line.slope * kNano);
  for (size_t i = 0; i < models.size(); ++i) {
    const auto bytes = static_cast<double>(sizes[i]);
    Samples cost;
    for (const double s : seconds[i].values) cost.values.push_back(s / bytes * kNano);
    report.Line("cost_per_byte", "ns/byte", cost, against, {{line.At(bytes) / bytes * kNano}},
                {.where = {{"model_bytes", sizes[i]}},
                 .goal = Goal{.kind = Goal::Kind::kWithin, .ratio = 0.1}});
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/cost_per_byte", "an update's cost from 1 kB to 4 GB",
                                 &BenchCostPerByte);

}  // namespace
}  // namespace sealfold::bench
