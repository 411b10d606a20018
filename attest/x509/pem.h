// What is the same of every PEM file from a stranger (RFC 7468).
#ifndef SEALFOLD_ATTEST_X509_PEM_H_
#define SEALFOLD_ATTEST_X509_PEM_H_

#include "absl/strings/string_view.h"

namespace sealfold {

inline constexpr absl::string_view kPemBegin = "-----BEGIN";

inline bool HasSeveralPemBlocks(absl::string_view pem) {
  return pem.find(kPemBegin) != pem.rfind(kPemBegin);
}

// OpenSSL's pem_password_cb. Of a block that says it is encrypted OpenSSL would otherwise ask for
// the passphrase at the terminal, in the middle of a verification.
inline int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*user*/) {
  return -1;
}

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_PEM_H_
