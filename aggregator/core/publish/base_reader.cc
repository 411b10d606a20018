#include "aggregator/core/publish/base_reader.h"

#include <algorithm>

#include "protocol/base/error.h"
#include "protocol/model/tensor.h"

namespace sealfold {

uint64_t BaseFileSizeBytes(const RoundTerms& terms) {
  const uint64_t model_bytes = ModelFileSizeBytes(terms.contract().tensors);
  return terms.base_key_commitment.has_value()
             ? SealedModelSizeBytes(model_bytes, terms.contract().chunk_bytes)
             : model_bytes;
}

BaseReader::BaseReader(const RoundTerms& terms, const Secret& key) {
  SEALFOLD_CHECK(key.empty() != terms.base_key_commitment.has_value());
  if (key.empty()) return;
  const Round previous(terms.round.value() - 1);
  sealed_.emplace(terms.plan, previous, key.span(), ModelFileSizeBytes(terms.contract().tensors));
  buffer_ = Secret(sealed_->chunk_size_bytes(0) + kAeadTagSize);
}

absl::Status BaseReader::Feed(ByteSpan stored,
                              absl::FunctionRef<absl::Status(ByteSpan plain)> use) {
  if (!sealed_.has_value()) return use(stored);
  while (!stored.empty()) {
    const size_t plain_bytes = sealed_->chunk_size_bytes(chunk_);
    const MutableByteSpan chunk = buffer_.mutable_span().first(plain_bytes + kAeadTagSize);
    const size_t count = std::min(stored.size(), chunk.size() - filled_bytes_);
    std::copy_n(stored.begin(), count, chunk.begin() + filled_bytes_);
    stored.remove_prefix(count);
    filled_bytes_ += count;
    if (filled_bytes_ < chunk.size()) break;
    const MutableByteSpan plain = chunk.first(plain_bytes);
    SEALFOLD_RETURN_IF_ERROR(sealed_->OpenChunk(chunk_, chunk, plain));
    SEALFOLD_RETURN_IF_ERROR(use(plain));
    filled_bytes_ = 0;
    ++chunk_;
  }
  return absl::OkStatus();
}

}  // namespace sealfold
