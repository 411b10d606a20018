#include "protocol/model/block_layout.h"

#include <algorithm>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

uint64_t RoundUp(uint64_t value, uint64_t step) { return (value + step - 1) / step * step; }

// One tensor's blocks: whole ones, numbered from 0, and maybe a shorter one after them.
class Blocks {
 public:
  Blocks(const UpdateEncoding& encoding, uint64_t chunk_bytes, Dtype dtype, uint64_t offset_bytes,
         uint64_t elements)
      : chunk_bytes_(chunk_bytes),
        offset_bytes_(offset_bytes),
        whole_(elements / encoding.block_elements),
        whole_bytes_(encoding.block_bytes(dtype, encoding.block_elements)),
        rest_elements_(elements % encoding.block_elements),
        rest_bytes_(encoding.block_bytes(dtype, rest_elements_)),
        chunk_end_(RoundUp(offset_bytes + 1, chunk_bytes)),
        in_first_((chunk_end_ - offset_bytes) / whole_bytes_),
        in_chunk_(chunk_bytes / whole_bytes_) {}

  uint64_t whole() const { return whole_; }
  uint64_t whole_bytes() const { return whole_bytes_; }
  uint64_t rest_elements() const { return rest_elements_; }
  uint64_t rest_bytes() const { return rest_bytes_; }

  // Where whole block `index` starts.
  uint64_t At(uint64_t index) const {
    if (index < in_first_) return offset_bytes_ + index * whole_bytes_;
    const uint64_t later = index - in_first_;
    return chunk_end_ + later / in_chunk_ * chunk_bytes_ + later % in_chunk_ * whole_bytes_;
  }
  // The first whole block that starts at `offset_bytes`, a multiple of the chunk size, or later.
  uint64_t FirstFrom(uint64_t offset_bytes) const {
    if (offset_bytes <= offset_bytes_) return 0;
    const uint64_t index = in_first_ + (offset_bytes - chunk_end_) / chunk_bytes_ * in_chunk_;
    return std::min(index, whole_);
  }
  uint64_t RestAt() const {
    const uint64_t at = whole_ == 0 ? offset_bytes_ : At(whole_ - 1) + whole_bytes_;
    const uint64_t next_chunk = RoundUp(at, chunk_bytes_);
    return at + rest_bytes_ <= next_chunk || at == next_chunk ? at : next_chunk;
  }
  uint64_t End() const {
    return rest_elements_ != 0 ? RestAt() + rest_bytes_ : At(whole_ - 1) + whole_bytes_;
  }

 private:
  uint64_t chunk_bytes_;
  uint64_t offset_bytes_;
  uint64_t whole_;
  uint64_t whole_bytes_;
  uint64_t rest_elements_;
  uint64_t rest_bytes_;
  uint64_t chunk_end_;  // of the chunk that the tensor's offset lies in
  uint64_t in_first_;   // whole blocks that fit before that
  uint64_t in_chunk_;
};

// The runs of one tensor within the stretch.
void ForEachRunOf(const Blocks& blocks, const PayloadLayout& layout, BlockRun run, uint64_t begin,
                  uint64_t end, absl::FunctionRef<void(const BlockRun&)> use) {
  const uint64_t block_elements = layout.encoding->block_elements;
  uint64_t index = blocks.FirstFrom(begin);
  while (index < blocks.whole() && blocks.At(index) < end) {
    const uint64_t at = blocks.At(index);
    const uint64_t room = RoundUp(at + 1, layout.chunk_bytes) - at;
    const uint64_t count = std::min(room / blocks.whole_bytes(), blocks.whole() - index);
    run.element = index * block_elements;
    run.elements = count * block_elements;
    run.block_bytes = blocks.whole_bytes();
    run.offset_bytes = at;
    run.size_bytes = count * blocks.whole_bytes();
    use(run);
    index += count;
  }
  if (blocks.rest_elements() == 0) return;
  const uint64_t at = blocks.RestAt();
  if (at < begin || at >= end) return;
  run.element = blocks.whole() * block_elements;
  run.elements = blocks.rest_elements();
  run.block_bytes = blocks.rest_bytes();
  run.offset_bytes = at;
  run.size_bytes = blocks.rest_bytes();
  use(run);
}

}  // namespace

void ForEachBlockRun(const PayloadLayout& layout, uint64_t offset_bytes, uint64_t size_bytes,
                     absl::FunctionRef<void(const BlockRun&)> use) {
  const uint64_t end = offset_bytes + size_bytes;
  SEALFOLD_CHECK(layout.encoding.has_value() && offset_bytes % layout.chunk_bytes == 0);
  SEALFOLD_CHECK(end == layout.size_bytes ||
                 (end < layout.size_bytes && end % layout.chunk_bytes == 0));
  // The last tensor that starts at or before the stretch, and those after it.
  auto part = std::upper_bound(layout.parts.begin(), layout.parts.end(), offset_bytes,
                               [](uint64_t offset, const PayloadLayout::Part& p) {
                                 return offset < p.offset_bytes;
                               }) -
              1;
  for (; part != layout.parts.end() && part->offset_bytes < end; ++part) {
    const Blocks blocks(*layout.encoding, layout.chunk_bytes, part->dtype, part->offset_bytes,
                        part->elements);
    const BlockRun run{.part = static_cast<size_t>(part - layout.parts.begin())};
    ForEachRunOf(blocks, layout, run, offset_bytes, end, use);
  }
}

uint64_t BlocksEndBytes(const UpdateEncoding& encoding, uint64_t chunk_bytes, Dtype dtype,
                        uint64_t offset_bytes, uint64_t elements) {
  return Blocks(encoding, chunk_bytes, dtype, offset_bytes, elements).End();
}

}  // namespace sealfold
