// Who signed a request (SigV4).
#ifndef SEALFOLD_ATTEST_KEYBROKER_KMS_AUTHORIZE_H_
#define SEALFOLD_ATTEST_KEYBROKER_KMS_AUTHORIZE_H_

#include <string>

#include "attest/keybroker/store/key_store.h"
#include "attest/keyclient/wire/sigv4.h"

namespace sealfold {

// How far a request's own time may be from the broker's, as AWS allows.
inline constexpr uint64_t kRequestAgeMsMax = 300'000;

// The name of the caller of `store` whose secret signed `request`: service "kms", any region, at
// least the headers host, x-amz-date and x-amz-target, and the body. PermissionDenied or
// InvalidArgument with one of the codes
//   authorization_missing, authorization_malformed, date_malformed, request_stale, caller_unknown,
//   signature_wrong
absl::StatusOr<std::string> Authorize(const KeyStore& store, const SignedRequest& request,
                                      uint64_t now_ms);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_KMS_AUTHORIZE_H_
