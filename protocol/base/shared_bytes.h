// Bytes with several holders.
#ifndef SEALFOLD_PROTOCOL_BASE_SHARED_BYTES_H_
#define SEALFOLD_PROTOCOL_BASE_SHARED_BYTES_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "protocol/base/bytes.h"
#include "protocol/base/error.h"

namespace sealfold {

// Bytes that do not change and are not copied: a copy of this shares them, and the last one frees
// them, on whatever thread it is. Not for secrets. A view (ByteSpan) of one lives as long as some
// copy does.
class SharedBytes {
 public:
  SharedBytes() = default;
  // Takes over `bytes`.
  SharedBytes(Bytes bytes) {  // NOLINT(google-explicit-constructor): nothing is lost by it
    if (bytes.empty()) return;
    auto owner = std::make_shared<const Bytes>(std::move(bytes));
    span_ = *owner;
    owner_ = std::move(owner);
  }
  // `owner` keeps what `bytes` views.
  SharedBytes(std::shared_ptr<const void> owner, ByteSpan bytes)
      : owner_(std::move(owner)), span_(bytes) {}

  // `size` bytes from `offset` on, shared too. Requires: they lie within.
  SharedBytes Part(size_t offset, size_t size) const {
    SEALFOLD_CHECK(offset <= span_.size() && size <= span_.size() - offset);
    return {owner_, span_.subspan(offset, size)};
  }

  const uint8_t* data() const { return span_.data(); }
  size_t size() const { return span_.size(); }
  bool empty() const { return span_.empty(); }
  ByteSpan::const_iterator begin() const { return span_.begin(); }
  ByteSpan::const_iterator end() const { return span_.end(); }
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::shared_ptr<const void> owner_;
  ByteSpan span_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_SHARED_BYTES_H_
