// Updates that wait complete, and a sum for them.
#ifndef SEALFOLD_TESTS_BENCH_KIT_STAGED_UPDATES_H_
#define SEALFOLD_TESTS_BENCH_KIT_STAGED_UPDATES_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/core/memory/sum.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/arrived_updates.h"

namespace sealfold::bench {

inline constexpr double kGigabyte = 1e9;

struct StagedUpdates {
  static absl::StatusOr<std::unique_ptr<StagedUpdates>> Make(
      size_t count, uint64_t elements, uint64_t chunk_bytes = Plan().chunk_bytes) {
    SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(elements));
    return std::unique_ptr<StagedUpdates>(
        new StagedUpdates(count, elements, chunk_bytes, std::move(sum)));
  }
  double gigabytes() const {
    return static_cast<double>(updates.size() * maker.payload_bytes()) / kGigabyte;
  }
  // Opens, checks and folds all. Work: GB of plaintext.
  Timed Fold(Workers& workers, absl::Span<ColumnScratch> scratch) {
    return {.call = [=, &workers,
                     this] { FoldAll(maker.Task(updates, sum.Write()), workers, scratch); },
            .work = gigabytes()};
  }

  UpdateMaker maker;
  Sum sum;
  std::vector<ArrivedUpdate> updates;

 private:
  StagedUpdates(size_t count, uint64_t elements, uint64_t chunk_bytes, Sum the_sum)
      : maker(elements, chunk_bytes), sum(std::move(the_sum)), updates(maker.ArriveMany(count)) {}
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_STAGED_UPDATES_H_
