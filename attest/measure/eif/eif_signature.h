// The signature section of an Enclave Image File: who vouches for its PCR0.
//
// CBOR: an array of one map {"signing_certificate": PEM, "signature": COSE_Sign1, untagged, ES384}
// over the CBOR map {"register_index": 0, "register_value": PCR0}. AWS's tools write byte strings
// here as arrays of numbers; both forms are read.
#ifndef SEALFOLD_ATTEST_MEASURE_EIF_EIF_SIGNATURE_H_
#define SEALFOLD_ATTEST_MEASURE_EIF_EIF_SIGNATURE_H_

#include "absl/status/statusor.h"
#include "attest/x509/certificate.h"
#include "protocol/base/types.h"

namespace sealfold {

inline constexpr size_t kEifSignatureSizeMax = 64 * 1024;

// The certificate that the section names, once its key's signature over `pcr0` holds. Who the
// certificate belongs to, and whether it is in force, is not looked at: a policy names its PCR8.
// InvalidArgument, codes "eif_signature", "cbor_*", "certificate_malformed"; PermissionDenied,
// "eif_signature_wrong", for one that is not this image's or not this key's.
absl::StatusOr<Certificate> CheckEifSignature(ByteSpan section, const Measurement& pcr0);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_EIF_EIF_SIGNATURE_H_
