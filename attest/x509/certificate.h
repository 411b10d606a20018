// X.509 certificates (RFC 5280) by OpenSSL: parsed once, then only read.
#ifndef SEALFOLD_ATTEST_X509_CERTIFICATE_H_
#define SEALFOLD_ATTEST_X509_CERTIFICATE_H_

#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"
#include "protocol/base/types.h"

namespace sealfold {

// Whose certificates they are: which algorithms, and what the leaf must be for.
enum class CertificateProfile {
  kNitro,  // P-384 with SHA-384 throughout
  kTpm,    // RSA (2048 to 4096 bits), P-256, P-384, with SHA-256, 384 or 512; the leaf is
           // an attestation key's: digitalSignature, tcg-kp-AIKCertificate
  kTpmEndorsementKey,  // the same; the leaf is for keyEncipherment or keyAgreement,
                       // tcg-kp-EKCertificate
};

// Seconds since 1970, UTC: valid from `from_s` on and before `end_s`, as OpenSSL takes the two
// times in a certificate.
struct CertificatePeriod {
  int64_t from_s;
  int64_t end_s;

  bool Has(int64_t time_s) const { return from_s <= time_s && time_s < end_s; }
};

// An immutable certificate; copies share it, on any number of threads.
class Certificate {
 public:
  // Exactly one certificate and nothing after it. InvalidArgument, code "certificate_malformed".
  static absl::StatusOr<Certificate> FromDer(ByteSpan der);
  // Exactly one block "CERTIFICATE"; text around it is ignored, as PEM (RFC 7468) allows. Same
  // code.
  static absl::StatusOr<Certificate> FromPem(absl::string_view pem);

  const Bytes& der() const { return parsed_->der; }
  std::string Pem() const;
  // SHA-256 of the DER form; and in lower-case hex.
  const Digest& digest() const { return parsed_->digest; }
  std::string Fingerprint() const { return digest().hex(); }
  // "CN=..., O=..." on one line, printable characters only.
  const std::string& Subject() const { return texts().subject; }
  // "2022-10-13T08:57:59Z to 2022-10-13T11:58:02Z".
  const std::string& Validity() const { return texts().validity; }
  // One that is never valid where OpenSSL's X509_cmp_time cannot read a time.
  const CertificatePeriod& period() const { return parsed_->period; }

  // Lives as long as a copy of this.
  X509* x509() const { return parsed_->x509.get(); }
  EVP_PKEY* public_key() const { return X509_get0_pubkey(x509()); }

  // Its key and its own signature are of the profile's kinds, a curve by its name.
  // PermissionDenied, code "chain".
  absl::Status CheckAlgorithms(CertificateProfile profile = CertificateProfile::kNitro) const;
  // May sign certificates: basicConstraints with CA, keyUsage with keyCertSign. PermissionDenied,
  // code "chain".
  absl::Status CheckIssuer() const;
  // And is issued by itself, as what a chain ends in must be. PermissionDenied, code "chain".
  absl::Status CheckRoot() const;
  // For what the profile says and no CA: it signs no certificates. PermissionDenied, "chain".
  absl::Status CheckLeaf(CertificateProfile profile = CertificateProfile::kNitro) const;

 private:
  // Made when first asked for: a cached certificate is named in many verdicts.
  struct Texts {
    std::string subject;
    std::string validity;
  };
  struct Parsed {
    Bytes der;
    Digest digest;
    CertificatePeriod period;
    std::unique_ptr<X509, decltype(&X509_free)> x509{nullptr, &X509_free};
    mutable std::once_flag texts_made;
    mutable Texts texts;
  };
  const Texts& texts() const;
  explicit Certificate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  absl::Status Unfit(absl::string_view expected, absl::string_view found) const;

  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_CERTIFICATE_H_
