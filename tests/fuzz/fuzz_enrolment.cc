// What a stranger's machine asks to be enrolled with: refused, or a credential that can be finished
// once. Both ways of believing its endorsement key are taken: by name, and by a certificate.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "attest/tpm/enrol/enrolment.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr int64_t kTime_s = 1'800'000'000;

void Start(const EnrolmentRequest& request, const EndorsementTrust& trust) {
  const Secret secret(32);
  absl::StatusOr<Enrolment> enrolment =
      Enrolment::Start(request, trust, kTime_s, Secret::CopyOf(secret.span()));
  if (!enrolment.ok()) {
    const std::string code(ErrorCode(enrolment.status()));
    SEALFOLD_CHECK(absl::StartsWith(code, "tpm_") || code == "attestation_key" ||
                   code == "endorsement_key" || code == "chain" || code == "certificate_time" ||
                   code == "certificate_malformed");
    return;
  }
  SEALFOLD_CHECK(!enrolment->credential().blob.empty());
  SEALFOLD_CHECK(!enrolment->credential().encrypted_secret.empty());
  absl::StatusOr<Enrolment> resumed = Enrolment::Resume(enrolment->Save().span());
  SEALFOLD_CHECK(resumed.ok() && resumed->Finish(secret.span()).ok());
  SEALFOLD_CHECK(!resumed->Finish(secret.span()).ok());
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<EnrolmentRequest> request =
      cbor::DecodeFields<EnrolmentRequest>(ByteSpan(data, size));
  if (!request.ok()) return 0;
  SEALFOLD_CHECK(cbor::EncodeFields(*request) == Bytes(data, data + size));
  EndorsementTrust by_name;
  const absl::StatusOr<TpmPublic> endorsement = ParseTpmPublic(request->endorsement_key);
  if (endorsement.ok()) by_name.endorsement_keys = {endorsement->Name()};
  Start(*request, by_name);
  if (request->certificates.empty()) return 0;
  const absl::StatusOr<Certificate> root = Certificate::FromDer(request->certificates[0]);
  if (root.ok()) Start(*request, {.root_pem = root->Pem()});
  return 0;
}
