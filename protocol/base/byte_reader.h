// A cursor over untrusted bytes that cannot run over: for binary formats with fixed fields.
#ifndef SEALFOLD_PROTOCOL_BASE_BYTE_READER_H_
#define SEALFOLD_PROTOCOL_BASE_BYTE_READER_H_

#include "protocol/base/bytes.h"

namespace sealfold {

// Reads numbers and pieces one after the other. What is not wholly there reads as zero or as an
// empty piece, moves nothing, and from then on ok() is false and everything reads so: a parser may
// read a whole header and ask once. The bytes must outlive it and what it gives.
class ByteReader {
 public:
  enum class Order { kBigEndian, kLittleEndian };

  ByteReader(ByteSpan bytes, Order order) : left_(bytes), order_(order) {}

  uint8_t U8() { return static_cast<uint8_t>(Number(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return static_cast<uint32_t>(Number(4)); }
  uint64_t U64() { return Number(8); }
  ByteSpan Take(uint64_t size) {
    if (!ok_ || size > left_.size()) {
      ok_ = false;
      return {};
    }
    const ByteSpan piece = left_.first(static_cast<size_t>(size));
    left_.remove_prefix(static_cast<size_t>(size));
    return piece;
  }
  // False once something was asked for that is not there.
  bool ok() const { return ok_; }
  size_t left() const { return left_.size(); }

 private:
  uint64_t Number(size_t size) {
    const ByteSpan piece = Take(size);
    uint64_t value = 0;
    for (size_t i = 0; i < piece.size(); ++i) {
      value = value << 8 | piece[order_ == Order::kBigEndian ? i : piece.size() - 1 - i];
    }
    return value;
  }

  ByteSpan left_;
  Order order_;
  bool ok_ = true;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_BYTE_READER_H_
