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

  // Takes out those that have something else than zeros between their tensors. Of compressed
  // updates it is found as they are folded.
  void CheckPadding(ColumnFaults& faults) {
    if (task_.layout.encoding.has_value()) return;
    UpdateSet bad = 0;
    for (const Opened& chunk : opened_) {
      if (!IsPaddingZero(chunk.elements)) bad |= Bit(chunk.update);
    }
    faults[UpdateFault::kPaddingNotZero] |= bad;
    opened_.erase(
        std::remove_if(opened_.begin(), opened_.end(),
                       [bad](const Opened& chunk) { return (bad & Bit(chunk.update)) != 0; }),
        opened_.end());
  }

  // Folds those of `opened` in which nothing is wrong; the others leave no trace. `ahead` is what
  // each slot will be opened from next.
  void Fold(FoldInto into, absl::Span<const uint8_t* const> ahead, ColumnFaults& faults) {
    if (opened_.empty()) return;
    const bool encoded = task_.layout.encoding.has_value();
    const uint64_t bad =
        encoded ? FoldBlocks(into, ahead) : FoldInPlaces(into, 0, opened_.size(), ahead);
    for (size_t place = 0; place < opened_.size(); ++place) {
      if ((bad >> place & 1) == 0) continue;
      UpdateFault fault = UpdateFault::kOutOfRange;
      if (encoded) {
        fault = *FindEncodedFault(task_.layout, task_.grid, offset_bytes_, opened_[place].elements);
      } else {
        FoldInPlaces(FoldInto::kSubtract, place, 1, {});
      }
      faults[fault] |= Bit(opened_[place].update);
    }
  }

 private:
  struct Opened {
    size_t update;
    MutableByteSpan elements;
  };

  bool IsPaddingZero(ByteSpan chunk) const {
    bool zero = true;
    ForEachRun(
        task_.layout, offset_bytes_, size_bytes_, [](const TensorRun&) {},
        [&](const PaddingRun& run) {
          const ByteSpan bytes = chunk.subspan(run.offset_bytes, run.size_bytes);
          zero = zero &&
                 std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
        });
    return zero;
  }

  FoldInput InputAt(size_t place, uint64_t offset_bytes, uint64_t size_bytes,
                    const uint8_t* ahead) const {
    const Opened& chunk = opened_[place];
    return {.elements = chunk.elements.subspan(offset_bytes, size_bytes),
            .scale = task_.grid.Scale(task_.updates[chunk.update]->weight()),
            .ahead = ahead == nullptr ? nullptr : ahead + offset_bytes};
  }

  // A bit for each place with a fault, which is not in the sum. A sum that is set is zero before,
  // as the task says.
  uint64_t FoldBlocks(FoldInto into, absl::Span<const uint8_t* const> ahead) {
    absl::InlinedVector<FoldInput, kScratchChunksMax> inputs;
    for (size_t i = 0; i < opened_.size(); ++i) {
      inputs.push_back(InputAt(i, 0, size_bytes_, i < ahead.size() ? ahead[i] : nullptr));
    }
    return FoldEncoded(into == FoldInto::kSubtract ? into : FoldInto::kAdd, task_.layout,
                       task_.grid, offset_bytes_, inputs, task_.sum);
  }

  // A bit for each place that has an element out of range, which is in the sum.
  uint64_t FoldInPlaces(FoldInto into, size_t first, size_t count,
                        absl::Span<const uint8_t* const> ahead) {
    uint64_t bad = 0;
    ForEachRun(
        task_.layout, offset_bytes_, size_bytes_,
        [&](const TensorRun& run) {
          FoldInput inputs[kScratchChunksMax];
          for (size_t i = 0; i < count; ++i) {
            inputs[i] = InputAt(first + i, run.offset_bytes, run.size_bytes(),
                                i < ahead.size() ? ahead[i] : nullptr);
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

// Where the next of `among` wait, as many as there are slots: of this column those that are left,
// or else those of the next one. Null for every other slot: fetching all takes longer than the sums
// do, and slows them down.
Places Ahead(const BatchTask& task, uint64_t column, UpdateSet left, UpdateSet among,
             uint64_t column_end, size_t slots) {
  const uint64_t next = left != 0 ? column : column + 1;
  if (next >= column_end) return {};
  Places ahead;
  for (UpdateSet set = left != 0 ? left : among; set != 0 && ahead.size() < slots; set &= set - 1) {
    const bool fetched = ahead.size() % 2 == 0;
    ahead.push_back(fetched ? task.updates[std::countr_zero(set)]->chunk(next).data() : nullptr);
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
    group.CheckPadding(faults);
    if (group.empty()) continue;
    const bool first = task.sum_is_zero && !written;
    const FoldInto into = !first      ? FoldInto::kAdd
                          : left == 0 ? FoldInto::kSetPastCaches
                                      : FoldInto::kSet;
    group.Fold(into, Ahead(task, column, left, among, column_end, scratch.chunks()), faults);
    written = true;
  }
  return faults;
}

void UnfoldColumn(const BatchTask& task, uint64_t column, size_t update, ColumnScratch& scratch) {
  Group group(task, column, scratch);
  SEALFOLD_CHECK(group.Open(update));  // it was opened before, and has not changed
  ColumnFaults faults;
  group.Fold(FoldInto::kSubtract, {}, faults);
  SEALFOLD_CHECK(faults.all() == 0);
}

}  // namespace sealfold
