// Writes and signs a document in the shape of a Nitro one.
#ifndef SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_DOCUMENT_WRITER_H_
#define SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_DOCUMENT_WRITER_H_

#include <openssl/evp.h>

#include "attest/nitro/document.h"

namespace sealfold {

// COSE_Sign1 over the deterministic encoding of `content` (its `payload` and `signature` are not
// looked at), signed by `leaf_key`, the key of content.certificate. Requires: a P-384 key.
Bytes WriteNitroDocument(const NitroDocument& content, EVP_PKEY* leaf_key,
                         const NitroDocumentKind& kind = kNsmDocument);

// The same envelope around any payload.
Bytes SignNitroPayload(ByteSpan payload, EVP_PKEY* leaf_key);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_DOCUMENT_WRITER_H_
