// KMS's encryption context.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_WIRE_ENCRYPTION_CONTEXT_H_
#define SEALFOLD_ATTEST_KEYCLIENT_WIRE_ENCRYPTION_CONTEXT_H_

#include <map>
#include <string>

namespace sealfold {

// Names and values that are not secret: what is encrypted with them is decrypted only with the
// same.
using EncryptionContext = std::map<std::string, std::string>;

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_WIRE_ENCRYPTION_CONTEXT_H_
