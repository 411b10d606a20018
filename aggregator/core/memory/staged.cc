#include "aggregator/core/memory/staged.h"

#include <algorithm>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {

absl::Status StagedPayload::Append(ByteSpan bytes) {
  SEALFOLD_CHECK(bytes.size() <= size_bytes_ - filled_bytes_);
  const uint64_t end = filled_bytes_ + bytes.size();
  while (pieces_.size() * kStagedPieceBytes < end) {
    const uint64_t start = pieces_.size() * kStagedPieceBytes;
    SEALFOLD_ASSIGN_OR_RETURN(
        Pages piece,
        Pages::Map(std::min(kStagedPieceBytes, size_bytes_ - start), Pages::Use::kStaging));
    pieces_.push_back(std::move(piece));
  }
  while (!bytes.empty()) {
    const uint64_t at = filled_bytes_ % kStagedPieceBytes;
    MutableByteSpan piece = pieces_[filled_bytes_ / kStagedPieceBytes].Write().subspan(at);
    const size_t count = std::min(piece.size(), bytes.size());
    std::copy_n(bytes.begin(), count, piece.begin());
    bytes.remove_prefix(count);
    filled_bytes_ += count;
  }
  return absl::OkStatus();
}

void StagedPayload::Drain(absl::FunctionRef<void(uint64_t offset_bytes, ByteSpan bytes)> use) {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const uint64_t offset = i * kStagedPieceBytes;
    if (offset < filled_bytes_) {
      use(offset, pieces_[i].span().first(std::min(pieces_[i].size(), filled_bytes_ - offset)));
    }
    pieces_[i].Release();
  }
  pieces_.clear();
  filled_bytes_ = 0;
}

bool StagingBudget::Take(uint64_t size_bytes) {
  if (size_bytes > size_bytes_max_ - taken_bytes_) return false;
  taken_bytes_ += size_bytes;
  return true;
}

void StagingBudget::GiveBack(uint64_t size_bytes) {
  SEALFOLD_CHECK(size_bytes <= taken_bytes_);
  taken_bytes_ -= size_bytes;
}

}  // namespace sealfold
