#include "aggregator/core/memory/sum.h"

#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/model/tensor.h"

namespace sealfold {

absl::StatusOr<Sum> Sum::Make(uint64_t elements) {
  SEALFOLD_CHECK(elements > 0 && elements <= kModelBytesMax);
  SEALFOLD_ASSIGN_OR_RETURN(Pages pages,
                            Pages::Map(elements * sizeof(int64_t), Pages::Use::kSecret));
  return Sum(std::move(pages));
}

absl::Span<const int64_t> Sum::span() const {
  // A mapping starts at a page, so the cast is aligned.
  return {reinterpret_cast<const int64_t*>(pages_.span().data()), pages_.size() / sizeof(int64_t)};
}

absl::Span<int64_t> Sum::Write() {
  return {reinterpret_cast<int64_t*>(pages_.Write().data()), pages_.size() / sizeof(int64_t)};
}

Digest Sum::Fingerprint() const { return Sha256(pages_.span()); }

}  // namespace sealfold
