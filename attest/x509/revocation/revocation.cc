#include "attest/x509/revocation/revocation.h"

#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/x509/bio.h"
#include "attest/x509/fields.h"
#include "attest/x509/pem.h"
#include "protocol/base/error.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

using UniqueCrl = std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)>;

absl::Status Malformed(absl::string_view code, absl::string_view expected,
                       absl::string_view found) {
  ERR_clear_error();
  return BadInput({.code = std::string(code),
                   .what = "certificate revocation list",
                   .expected = std::string(expected),
                   .found = std::string(found)});
}

absl::StatusOr<UniqueCrl> ReadPem(absl::string_view pem) {
  const UniqueBio bio = BioOf(pem);
  UniqueCrl crl(PEM_read_bio_X509_CRL(bio.get(), nullptr, &NoPassphrase, nullptr), &X509_CRL_free);
  if (crl == nullptr) {
    return Malformed("revocation_list_malformed", "a PEM block X509 CRL", "none that can be read");
  }
  if (HasSeveralPemBlocks(pem)) {
    return Malformed("revocation_list_malformed", "one PEM block X509 CRL", "more blocks than one");
  }
  return crl;
}

absl::StatusOr<UniqueCrl> ReadDer(ByteSpan der) {
  const uint8_t* position = der.data();
  UniqueCrl crl(d2i_X509_CRL(nullptr, &position, static_cast<int64_t>(der.size())), &X509_CRL_free);
  if (crl == nullptr) {
    return Malformed("revocation_list_malformed", "a list in DER or PEM",
                     absl::StrCat(der.size(), " bytes that are none"));
  }
  if (position != der.data() + der.size()) {
    return Malformed("revocation_list_malformed", "one list",
                     absl::StrCat(der.data() + der.size() - position, " bytes after its end"));
  }
  return crl;
}

// Refuses what would make a list say less than it seems to.
absl::Status CheckKind(const X509_CRL* crl) {
  const auto unfit = [](absl::string_view found) {
    return Malformed("revocation_list_kind",
                     "a complete list of its issuer's certificates, no critical extensions", found);
  };
  if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0) return unfit("a delta");
  if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) >= 0) {
    return unfit("one for some certificates only (issuingDistributionPoint)");
  }
  for (int i = 0; i < X509_CRL_get_ext_count(crl); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, i)) != 0) {
      return unfit("a critical extension");
    }
  }
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(const_cast<X509_CRL*>(crl));
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    for (int k = 0; k < X509_REVOKED_get_ext_count(entry); ++k) {
      if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, k)) != 0) {
        return unfit("an entry with a critical extension");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status Refuse(std::string expected, std::string found) {
  ERR_clear_error();
  return Refused({.code = "revocation",
                  .what = "revocation lists",
                  .expected = std::move(expected),
                  .found = std::move(found)});
}

// X509_cmp_time: 0 for a time that cannot be read, negative for one that is not after.
absl::Status CheckExpiry(const RevocationList& list, int64_t time_s) {
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(list.crl());
  time_t time = static_cast<time_t>(time_s);
  if (next != nullptr && X509_cmp_time(next, &time) > 0) return absl::OkStatus();
  const std::optional<int64_t> next_s = TimeOf(next);
  return Refuse(
      absl::StrCat("a list of ", list.Issuer(), " that is in force at ", TimeTextOfSeconds(time_s)),
      next_s.has_value() ? absl::StrCat("one to be renewed by ", TimeTextOfSeconds(*next_s))
                         : "one without a time by which it is renewed");
}

absl::Status CheckIssued(const RevocationList& list, int64_t issued_s_max) {
  const ASN1_TIME* issued = X509_CRL_get0_lastUpdate(list.crl());
  time_t time = static_cast<time_t>(issued_s_max);
  if (X509_cmp_time(issued, &time) < 0) return absl::OkStatus();
  const std::optional<int64_t> issued_s = TimeOf(issued);
  return Refuse(absl::StrCat("a list of ", list.Issuer(), " issued by ",
                             TimeTextOfSeconds(issued_s_max), ", allowing for this clock's error"),
                issued_s.has_value()
                    ? absl::StrCat("one of the future, issued ", TimeTextOfSeconds(*issued_s))
                    : "one without a time at which it was issued");
}

// What one list says of the certificate that `issuer` issued.
absl::Status CheckList(const RevocationList& list, const Certificate& issuer,
                       const Certificate& certificate, bool accept_expired, int64_t time_s,
                       std::optional<int64_t> issued_s_max) {
  const bool may_sign = (X509_get_key_usage(issuer.x509()) & KU_CRL_SIGN) != 0;
  if (!may_sign || X509_CRL_verify(list.crl(), issuer.public_key()) != 1) {
    return Refuse(absl::StrCat("a list of ", list.Issuer(), " that it signed"),
                  may_sign ? "a signature by another key"
                           : "an issuer whose certificate does not let it sign lists (cRLSign)");
  }
  if (issued_s_max.has_value()) SEALFOLD_RETURN_IF_ERROR(CheckIssued(list, *issued_s_max));
  if (!accept_expired) SEALFOLD_RETURN_IF_ERROR(CheckExpiry(list, time_s));
  X509_REVOKED* entry = nullptr;
  // 2: on hold until it was taken back (removeFromCRL), which is a delta's to say.
  if (X509_CRL_get0_by_cert(list.crl(), &entry, certificate.x509()) == 0) return absl::OkStatus();
  return Refuse("certificates that are not revoked",
                absl::StrCat(certificate.Subject(), ", on the list of ", list.Issuer()));
}

}  // namespace

absl::StatusOr<RevocationList> RevocationList::Parse(ByteSpan bytes) {
  if (bytes.size() > kRevocationListBytesMax) {
    return Malformed("revocation_list_malformed",
                     absl::StrCat("at most ", kRevocationListBytesMax, " bytes"),
                     absl::StrCat(bytes.size(), " bytes"));
  }
  const bool pem = AsText(bytes).find(kPemBegin) != absl::string_view::npos;
  absl::StatusOr<UniqueCrl> crl = pem ? ReadPem(AsText(bytes)) : ReadDer(bytes);
  if (!crl.ok()) return crl.status();
  SEALFOLD_RETURN_IF_ERROR(CheckKind(crl->get()));
  auto parsed = std::make_shared<Parsed>();
  const int size = i2d_X509_CRL(crl->get(), nullptr);
  SEALFOLD_CHECK(size > 0);
  parsed->der.resize(static_cast<size_t>(size));
  uint8_t* out = parsed->der.data();
  SEALFOLD_CHECK(i2d_X509_CRL(crl->get(), &out) == size);
  parsed->crl = *std::move(crl);
  return RevocationList(std::move(parsed));
}

std::optional<ListDemand> ListDemandNamed(absl::string_view name) {
  const absl::Span<const char* const> names = CborEnumNames(ListDemand());
  for (size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return static_cast<ListDemand>(i);
  }
  return std::nullopt;
}

std::string RevocationList::Issuer() const { return NameText(X509_CRL_get_issuer(crl())); }

bool RevocationList::IsOf(const Certificate& issuer) const {
  return X509_NAME_cmp(X509_CRL_get_issuer(crl()), X509_get_subject_name(issuer.x509())) == 0;
}

absl::Status CheckRevocation(absl::Span<const Certificate> chain, const RevocationLists& revocation,
                             int64_t time_s, std::optional<int64_t> issued_s_max) {
  for (size_t i = 1; i < chain.size(); ++i) {
    const Certificate& issuer = chain[i - 1];
    for (const RevocationList& list : revocation.lists) {
      if (!list.IsOf(issuer)) continue;
      SEALFOLD_RETURN_IF_ERROR(
          CheckList(list, issuer, chain[i], revocation.accept_expired, time_s, issued_s_max));
    }
  }
  return absl::OkStatus();
}

}  // namespace sealfold
