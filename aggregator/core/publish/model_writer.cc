#include "aggregator/core/publish/model_writer.h"

#include <algorithm>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/model/tensor.h"

namespace sealfold {

ModelWriter::ModelWriter(const RoundTerms& terms, const RoundKeys& keys) {
  if (terms.contract().delivery != Delivery::kSealed) return;
  sealed_.emplace(terms.plan, terms.round, keys.model_key().span(),
                  ModelFileSizeBytes(terms.contract().tensors));
  buffer_ = Secret(sealed_->chunk_size_bytes(0) + kAeadTagSize);
}

void ModelWriter::Write(ByteSpan plain, Actions& actions) {
  hash_.Update(plain);
  if (!sealed_.has_value()) {
    Emit(plain, actions);
    return;
  }
  while (!plain.empty()) {
    const size_t chunk_bytes = sealed_->chunk_size_bytes(chunk_);
    const size_t count = std::min(plain.size(), chunk_bytes - filled_bytes_);
    std::copy_n(plain.begin(), count, buffer_.mutable_span().begin() + filled_bytes_);
    plain.remove_prefix(count);
    filled_bytes_ += count;
    if (filled_bytes_ == chunk_bytes) SealChunk(actions);
  }
}

void ModelWriter::SealChunk(Actions& actions) {
  const MutableByteSpan sealed = buffer_.mutable_span().first(filled_bytes_ + kAeadTagSize);
  sealed_->SealChunk(chunk_, sealed.first(filled_bytes_), sealed);
  Emit(sealed, actions);
  filled_bytes_ = 0;
  ++chunk_;
}

void ModelWriter::Emit(ByteSpan bytes, Actions& actions) {
  while (!bytes.empty()) {
    if (part_.capacity() == 0) part_.reserve(kPartBytesMax);
    const size_t count = std::min(bytes.size(), kPartBytesMax - part_.size());
    Append(part_, bytes.first(count));
    bytes.remove_prefix(count);
    if (part_.size() < kPartBytesMax) break;
    SendHost(actions, ModelPart{.offset = offset_}, std::exchange(part_, {}));
    offset_ += kPartBytesMax;
  }
}

void ModelWriter::Finish(Actions& actions) {
  SEALFOLD_CHECK(!sealed_.has_value() || chunk_ == sealed_->chunk_count());
  if (!part_.empty()) SendHost(actions, ModelPart{.offset = offset_}, std::exchange(part_, {}));
}

}  // namespace sealfold
