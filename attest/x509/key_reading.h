// Where OpenSSL looks for what reads a certificate's key. For each key OpenSSL 3.0 collects every
// decoder of its context anew, which takes four times as long as the reading, and a fifth of what a
// verification on P-384 takes. This context has few: those for keys that a CertificateProfile
// knows.
#ifndef SEALFOLD_ATTEST_X509_KEY_READING_H_
#define SEALFOLD_ATTEST_X509_KEY_READING_H_

#include <openssl/types.h>

namespace sealfold {

// The default provider's own code, but of its decoders only those of EC and RSA keys in DER, as
// certificates have them. A key that this read serves anywhere; operations that find their
// algorithms here use it as it is. Never freed; for any number of threads.
OSSL_LIB_CTX* KeyReadingContext();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_KEY_READING_H_
