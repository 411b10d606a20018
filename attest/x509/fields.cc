#include "attest/x509/fields.h"

#include <ctime>

#include "absl/time/time.h"
#include "attest/x509/bio.h"

namespace sealfold {

std::string NameText(const X509_NAME* name) {
  constexpr size_t kShown = 200;
  const UniqueBio bio = NewBio();
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  std::string text(Contents(bio));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text.substr(0, kShown);
}

std::optional<int64_t> TimeOf(const ASN1_TIME* time) {
  std::tm tm{};
  // OpenSSL takes null for the present.
  if (time == nullptr || ASN1_TIME_to_tm(time, &tm) != 1) return std::nullopt;
  return absl::ToUnixSeconds(absl::FromTM(tm, absl::UTCTimeZone()));
}

}  // namespace sealfold
