// Where a CBOR item ends, for memory that goes on after it.
#ifndef SEALFOLD_PROTOCOL_CBOR_FIRST_ITEM_H_
#define SEALFOLD_PROTOCOL_CBOR_FIRST_ITEM_H_

#include "protocol/cbor/value.h"

namespace sealfold::cbor {

// The size of the item that `bytes` begins with, read as ParseTolerant would; what follows is not
// looked at. InvalidArgument, code "cbor_*".
absl::StatusOr<size_t> FirstItemSize(ByteSpan bytes, const Limits& limits = {});

}  // namespace sealfold::cbor

#endif  // SEALFOLD_PROTOCOL_CBOR_FIRST_ITEM_H_
