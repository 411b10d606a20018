#include "protocol/envelope/binding.h"

#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"

namespace sealfold {

Digest Binding::digest() const { return Sha256(cbor::EncodeFields(*this)); }

}  // namespace sealfold
