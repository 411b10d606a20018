#include "attest/testing/forge/forge_list.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "attest/x509/bio.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using UniqueCrl = std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)>;
using UniqueTime = std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>;

UniqueTime TimeOf(int64_t time_s) {
  UniqueTime time(ASN1_TIME_set(nullptr, static_cast<time_t>(time_s)), &ASN1_TIME_free);
  SEALFOLD_CHECK(time != nullptr);
  return time;
}

void Revoke(X509_CRL* crl, const Certificate& certificate, int64_t time_s) {
  X509_REVOKED* entry = X509_REVOKED_new();
  SEALFOLD_CHECK(entry != nullptr);
  SEALFOLD_CHECK(X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.x509())) ==
                 1);
  SEALFOLD_CHECK(X509_REVOKED_set_revocationDate(entry, TimeOf(time_s).get()) == 1);
  SEALFOLD_CHECK(X509_CRL_add0_revoked(crl, entry) == 1);  // owns it now
}

void Extend(X509_CRL* crl, const ListSpec& spec) {
  if (spec.extension.empty()) return;
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> value(
      ASN1_OCTET_STRING_new(), &ASN1_OCTET_STRING_free);
  SEALFOLD_CHECK(ASN1_OCTET_STRING_set(value.get(), spec.extension.data(),
                                       static_cast<int>(spec.extension.size())) == 1);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509_EXTENSION_create_by_NID(nullptr, spec.extension_nid, spec.critical ? 1 : 0, value.get()),
      &X509_EXTENSION_free);
  SEALFOLD_CHECK(extension != nullptr && X509_CRL_add_ext(crl, extension.get(), -1) == 1);
}

}  // namespace

Bytes ForgeList(const ListSpec& spec, const Certificate& issuer, EVP_PKEY* key) {
  const UniqueCrl crl(X509_CRL_new(), &X509_CRL_free);
  SEALFOLD_CHECK(crl != nullptr && X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1);
  SEALFOLD_CHECK(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.x509())) == 1);
  SEALFOLD_CHECK(X509_CRL_set1_lastUpdate(crl.get(), TimeOf(spec.this_update_s).get()) == 1);
  if (spec.next_update_s != 0) {
    SEALFOLD_CHECK(X509_CRL_set1_nextUpdate(crl.get(), TimeOf(spec.next_update_s).get()) == 1);
  }
  for (const Certificate& certificate : spec.revoked) {
    Revoke(crl.get(), certificate, spec.this_update_s);
  }
  Extend(crl.get(), spec);
  SEALFOLD_CHECK(X509_CRL_sort(crl.get()) == 1);
  SEALFOLD_CHECK(X509_CRL_sign(crl.get(), key, EVP_sha384()) > 0);
  const int size = i2d_X509_CRL(crl.get(), nullptr);
  SEALFOLD_CHECK(size > 0);
  Bytes der(static_cast<size_t>(size));
  uint8_t* out = der.data();
  SEALFOLD_CHECK(i2d_X509_CRL(crl.get(), &out) == size);
  return der;
}

std::string ListPem(ByteSpan der) {
  const uint8_t* position = der.data();
  const UniqueCrl crl(d2i_X509_CRL(nullptr, &position, static_cast<int64_t>(der.size())),
                      &X509_CRL_free);
  const UniqueBio bio = NewBio();
  SEALFOLD_CHECK(crl != nullptr);
  SEALFOLD_CHECK(PEM_write_bio_X509_CRL(bio.get(), crl.get()) == 1);
  return std::string(Contents(bio));
}

std::vector<RevocationList> ParseLists(const std::vector<Bytes>& lists) {
  std::vector<RevocationList> parsed;
  for (const Bytes& each : lists) parsed.push_back(RevocationList::Parse(each).value());
  return parsed;
}

ChainSpec ListingChainSpec() {
  ChainSpec spec;
  spec.root.key_usage = "critical,keyCertSign,cRLSign";
  spec.intermediates[0].key_usage = spec.root.key_usage;
  return spec;
}

}  // namespace sealfold
