// Issuing certificates for the software platform.
#ifndef SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_ISSUE_H_
#define SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_ISSUE_H_

#include <openssl/evp.h>

#include <cstdint>
#include <string>

#include "attest/x509/certificate.h"

namespace sealfold {

struct CertificateSpec {
  std::string common_name = {};
  int64_t not_before_s = 0;  // since 1970, UTC
  int64_t not_after_s = 0;
  // In OpenSSL's notation ("critical,CA:TRUE,pathlen:0"); empty: left out.
  std::string basic_constraints = {};
  std::string key_usage = {};
  std::string extended_key_usage = {};
  std::string crl_distribution_points = {};
};

struct Issuer {
  const Certificate& certificate;
  EVP_PKEY* key;
};

// A certificate for `subject_key`, signed with SHA-384 by `issuer`, or by itself if that is
// nullptr. Serial number drawn at random. Requires: what the spec says can be encoded.
Certificate IssueCertificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                             const Issuer* issuer);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_ISSUE_H_
