// X.509 certificates, in DER and in PEM: one that is read keeps its bytes, tells printable texts of
// itself, and is the same through its own PEM.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attest/x509/certificate.h"
#include "attest/x509/chain.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

void LookAt(const Certificate& certificate) {
  SEALFOLD_CHECK(!certificate.der().empty() && certificate.Fingerprint().size() == 64);
  for (const std::string& text : {certificate.Subject(), certificate.Validity()}) {
    SEALFOLD_CHECK(
        std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  for (const CertificateProfile profile : {CertificateProfile::kNitro, CertificateProfile::kTpm,
                                           CertificateProfile::kTpmEndorsementKey}) {
    for (const absl::Status& status :
         {certificate.CheckAlgorithms(profile), certificate.CheckLeaf(profile),
          VerifyChain(certificate, {}, certificate, certificate.period().from_s, profile)}) {
      SEALFOLD_CHECK(status.ok() || ErrorCode(status) == "chain" ||
                     ErrorCode(status) == "certificate_time");
    }
  }
  const absl::Status issuer = certificate.CheckIssuer();
  SEALFOLD_CHECK(issuer.ok() || ErrorCode(issuer) == "chain");
  const absl::StatusOr<Certificate> again = Certificate::FromPem(certificate.Pem());
  SEALFOLD_CHECK(again.ok() && again->Subject() == certificate.Subject());
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan bytes(data, size);
  const absl::StatusOr<Certificate> der = Certificate::FromDer(bytes);
  if (der.ok()) {
    SEALFOLD_CHECK(der->der() == ToBytes(bytes));
    LookAt(*der);
  } else {
    SEALFOLD_CHECK(ErrorCode(der.status()) == "certificate_malformed");
  }
  const absl::StatusOr<Certificate> pem = Certificate::FromPem(AsText(bytes));
  if (pem.ok()) {
    LookAt(*pem);
  } else {
    SEALFOLD_CHECK(ErrorCode(pem.status()) == "certificate_malformed");
  }
  return 0;
}
