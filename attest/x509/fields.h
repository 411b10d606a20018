// The fields that certificates and revocation lists have in common, out of OpenSSL's.
#ifndef SEALFOLD_ATTEST_X509_FIELDS_H_
#define SEALFOLD_ATTEST_X509_FIELDS_H_

#include <openssl/x509.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sealfold {

// "CN=..., O=..." on one line of at most 200 characters, printable ones only.
std::string NameText(const X509_NAME* name);

// Seconds since 1970. Nothing for null and for a time that cannot be read.
std::optional<int64_t> TimeOf(const ASN1_TIME* time);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_FIELDS_H_
