#include "aggregator/core/batch/column.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "aggregator/core/batch/payload.h"
#include "aggregator/core/encoded/encoded_payload.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"
#include "protocol/base/secret.h"

namespace sealfold {
namespace {

// As many as are summed at once, as long as they and what is fetched meanwhile stay in a
// processor's own cache.
constexpr size_t kScratchChunksMax = 8;
constexpr uint64_t kScratchBytesMax = 512u << 10;

using Places = absl::InlinedVector<const uint8_t*, kScratchChunksMax>;

UpdateSet Bit(size_t update) { return UpdateSet{1} << update; }

// The chunks of some updates that are opened and folded together.
class Group {
 public:
  Group(const BatchTask& task, uint64_t column, ColumnScratch& scratch)
      : task_(task),
        column_(column),
        offset_bytes_(column * task.chunk_bytes),
        size_bytes_(ChunkSizeBytes(task.layout.size_bytes, task.chunk_bytes, column)),
        scratch_(scratch) {}

  // False if it is not as it was sealed.
  bool Open(size_t update) {
    const MutableByteSpan slot = scratch_.Slot(opened_.size(), size_bytes_);
    if (!task_.updates[update]->Open(column_, slot).ok()) return false;
    opened_.push_back({.update = update, .elements = slot});
    return true;
  }
  bool full() const { return opened_.size() == scratch_.chunks(); }
  bool empty() const { return opened_.empty(); }

  // Takes out those that are not laid out as they should be: all that can be wrong with compressed
  // updates, and with others what lies between the tensors.
  void CheckLayout(ColumnFaults& faults) {
    UpdateSet bad = 0;
    for (const Opened& chunk : opened_) {
      const std::optional<UpdateFault> fault = FindLayoutFault(chunk.elements);
      if (!fault.has_value()) continue;
      faults[*fault] |= Bit(chunk.update);
      bad |= Bit(chunk.update);
    }
    opened_.erase(
        std::remove_if(opened_.begin(), opened_.end(),
                       [bad](const Opened& chunk) { return (bad & Bit(chunk.update)) != 0; }),
        opened_.end());
  }

  // Folds all that is left, and returns those that had an element out of range; they leave no
  // trace. `ahead` is what each slot will be opened from next.
  UpdateSet Fold(FoldInto into, absl::Span<const uint8_t* const> ahead) {
    if (opened_.empty()) return 0;
    if (task_.layout.encoding.has_value()) {
      FoldBlocks(into);
      return 0;
    }
    const uint64_t bad = FoldInPlaces(into, 0, opened_.size(), ahead);
    UpdateSet out_of_range = 0;
    for (size_t place = 0; place < opened_.size(); ++place) {
      if ((bad >> place & 1) == 0) continue;
      out_of_range |= Bit(opened_[place].update);
      FoldInPlaces(FoldInto::kSubtract, place, 1, {});
    }
    return out_of_range;
  }

 private:
  struct Opened {
    size_t update;
    MutableByteSpan elements;
  };

  std::optional<UpdateFault> FindLayoutFault(ByteSpan chunk) const {
    if (task_.layout.encoding.has_value()) {
      return FindEncodedFault(task_.layout, task_.grid, offset_bytes_, chunk);
    }
    bool zero = true;
    ForEachRun(
        task_.layout, offset_bytes_, size_bytes_, [](const TensorRun&) {},
        [&](const PaddingRun& run) {
          const ByteSpan bytes = chunk.subspan(run.offset_bytes, run.size_bytes);
          zero = zero &&
                 std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
        });
    return zero ? std::nullopt : std::make_optional(UpdateFault::kPaddingNotZero);
  }

  // The same for compressed updates. A sum that is set is zero before, as the task says.
  void FoldBlocks(FoldInto into) {
    absl::InlinedVector<ByteSpan, kScratchChunksMax> chunks;
    absl::InlinedVector<double, kScratchChunksMax> scales;
    for (const Opened& chunk : opened_) {
      const double scale = task_.grid.Scale(task_.updates[chunk.update]->weight());
      chunks.push_back(chunk.elements);
      scales.push_back(into == FoldInto::kSubtract ? -scale : scale);
    }
    FoldEncoded(task_.layout, scales, offset_bytes_, chunks, task_.sum);
  }

  // A bit for each place that has an element out of range.
  uint64_t FoldInPlaces(FoldInto into, size_t first, size_t count,
                        absl::Span<const uint8_t* const> ahead) {
    uint64_t bad = 0;
    ForEachRun(
        task_.layout, offset_bytes_, size_bytes_,
        [&](const TensorRun& run) {
          FoldInput inputs[kScratchChunksMax];
          for (size_t i = 0; i < count; ++i) {
            const Opened& chunk = opened_[first + i];
            inputs[i] = {.elements = chunk.elements.subspan(run.offset_bytes, run.size_bytes()),
                         .scale = task_.grid.Scale(task_.updates[chunk.update]->weight()),
                         .ahead = i < ahead.size() ? ahead[i] + run.offset_bytes : nullptr};
          }
          bad |= sealfold::Fold(into, run.dtype, {inputs, count}, task_.grid.range(),
                                task_.sum.subspan(run.element_first, run.elements));
        },
        [](const PaddingRun&) {});
    return bad;
  }

  const BatchTask& task_;
  const uint64_t column_;
  const uint64_t offset_bytes_;
  const uint64_t size_bytes_;
  ColumnScratch& scratch_;
  absl::InlinedVector<Opened, kScratchChunksMax> opened_;
};

// Where the next of `among` wait, as many as there are slots: of this column from `update` on, or
// else of the next one.
Places Ahead(const BatchTask& task, uint64_t column, UpdateSet left, UpdateSet among,
             uint64_t column_end, size_t slots) {
  const uint64_t next = left != 0 ? column : column + 1;
  if (next >= column_end) return {};
  Places ahead;
  for (UpdateSet set = left != 0 ? left : among; set != 0 && ahead.size() < slots; set &= set - 1) {
    ahead.push_back(task.updates[std::countr_zero(set)]->chunk(next).data());
  }
  return ahead;
}

}  // namespace

absl::StatusOr<ColumnScratch> ColumnScratch::Make(uint64_t chunk_bytes) {
  const size_t chunks = std::clamp<uint64_t>(kScratchBytesMax / chunk_bytes, 1, kScratchChunksMax);
  SEALFOLD_ASSIGN_OR_RETURN(Pages pages, Pages::Map(chunks * chunk_bytes, Pages::Use::kSecret));
  return ColumnScratch(std::move(pages), chunk_bytes, chunks);
}

MutableByteSpan ColumnScratch::Slot(size_t index, uint64_t size_bytes) {
  SEALFOLD_CHECK(index < chunks_ && size_bytes <= chunk_bytes_);
  used_bytes_ = std::max(used_bytes_, index * chunk_bytes_ + size_bytes);
  return pages_.Write().subspan(index * chunk_bytes_, size_bytes);
}

void ColumnScratch::Wipe() {
  if (used_bytes_ > 0) sealfold::Wipe(pages_.Write().first(used_bytes_));
  used_bytes_ = 0;
}

ColumnFaults FoldColumn(const BatchTask& task, uint64_t column, UpdateSet among,
                        uint64_t column_end, ColumnScratch& scratch) {
  ColumnFaults faults;
  bool written = false;
  for (UpdateSet left = among; left != 0;) {
    Group group(task, column, scratch);
    for (; left != 0 && !group.full(); left &= left - 1) {
      const size_t update = std::countr_zero(left);
      if (!group.Open(update)) faults[UpdateFault::kSealBroken] |= Bit(update);
    }
    group.CheckLayout(faults);
    if (group.empty()) continue;
    const bool first = task.sum_is_zero && !written;
    const FoldInto into = !first      ? FoldInto::kAdd
                          : left == 0 ? FoldInto::kSetPastCaches
                                      : FoldInto::kSet;
    faults[UpdateFault::kOutOfRange] |=
        group.Fold(into, Ahead(task, column, left, among, column_end, scratch.chunks()));
    written = true;
  }
  return faults;
}

void UnfoldColumn(const BatchTask& task, uint64_t column, size_t update, ColumnScratch& scratch) {
  Group group(task, column, scratch);
  SEALFOLD_CHECK(group.Open(update));  // it was opened before, and has not changed
  SEALFOLD_CHECK(group.Fold(FoldInto::kSubtract, {}) == 0);
}

}  // namespace sealfold
