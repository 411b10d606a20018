#include "participant-client/update/encoded_update.h"

#include <algorithm>
#include <utility>

#include "participant-client/update/block_encode.h"
#include "protocol/base/error.h"
#include "protocol/crypto/random_stream.h"
#include "protocol/model/block_layout.h"
#include "protocol/model/int8_scale.h"

namespace sealfold {

EncodedUpdate::EncodedUpdate(UpdateFile& file, const Plan& plan, Secret seed)
    : file_(&file), layout_(plan.payload_layout()), seed_(std::move(seed)) {
  if (layout_.encoding->kind == EncodingKind::kInt8Blocks) {
    scale_bits_max_ = Int8ScaleBitsMax(plan.range);
    // An element has a byte, so no chunk has more than its bytes.
    random_ = Secret(plan.chunk_bytes * kInt8RandomBytes);
  } else {
    places_ = Secret(layout_.encoding->block_elements * sizeof(uint64_t));
  }
}

ByteSpan EncodedUpdate::Read(uint64_t offset, MutableByteSpan room) {
  std::fill(room.begin(), room.end(), uint8_t{0});
  const bool int8 = layout_.encoding->kind == EncodingKind::kInt8Blocks;
  MutableByteSpan random = random_.mutable_span();
  if (int8) FillRandomStream(seed_, offset / layout_.chunk_bytes, random);
  const absl::Span<uint64_t> places(reinterpret_cast<uint64_t*>(places_.mutable_span().data()),
                                    places_.size() / sizeof(uint64_t));
  ForEachBlockRun(layout_, offset, room.size(), [&](const BlockRun& run) {
    const Dtype dtype = layout_.parts[run.part].dtype;
    const uint64_t count = std::min(layout_.encoding->block_elements, run.elements);
    for (uint64_t done = 0; done < run.elements; done += count) {
      const ByteSpan elements = file_->Elements(run.part, run.element + done, count);
      const MutableByteSpan block =
          room.subspan(run.offset_bytes - offset + done / count * run.block_bytes, run.block_bytes);
      if (int8) {
        EncodeInt8Block(dtype, elements, scale_bits_max_, random.first(count * kInt8RandomBytes),
                        block);
        random.remove_prefix(count * kInt8RandomBytes);
      } else {
        EncodeTopKBlock(dtype, elements, layout_.encoding->carried(count), places, block);
      }
      file_->NoteRead(elements.size());
    }
  });
  return room;
}

}  // namespace sealfold
