#include "attest/x509/revocation/revocation_coverage.h"

#include <openssl/obj_mac.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sealfold {
namespace {

bool NamesAList(const Certificate& certificate) {
  return X509_get_ext_by_NID(certificate.x509(), NID_crl_distribution_points, -1) >= 0;
}

void AddPart(absl::string_view before, const std::vector<std::string>& names,
             absl::string_view after, std::vector<std::string>& parts) {
  if (!names.empty()) parts.push_back(absl::StrCat(before, absl::StrJoin(names, " and "), after));
}

}  // namespace

bool ListCoverage::Meets(ListDemand demand) const {
  if (demand == ListDemand::kNone) return true;
  bool demanded = false;
  for (const Issuer& each : issuers) {
    if (demand == ListDemand::kPublished && !each.published) continue;
    if (!each.covered) return false;
    demanded = true;
  }
  return demanded;
}

std::string ListCoverage::Text() const {
  std::vector<std::string> covered;
  std::vector<std::string> missing;
  std::vector<std::string> unpublished;
  for (const Issuer& each : issuers) {
    (each.covered ? covered : each.published ? missing : unpublished).push_back(each.name);
  }
  std::vector<std::string> parts;
  AddPart("lists of ", covered, "", parts);
  AddPart("none of ", missing, "", parts);
  AddPart("none of ", unpublished, ", whose certificates name none", parts);
  AddPart("about nobody here: ", others, "", parts);
  return absl::StrJoin(parts, "; ");
}

ListCoverage CoverageOf(absl::Span<const Certificate> chain,
                        absl::Span<const RevocationList> lists) {
  ListCoverage coverage;
  std::vector<bool> spoke(lists.size());
  for (size_t i = 0; i + 1 < chain.size(); ++i) {
    ListCoverage::Issuer issuer{.name = chain[i].Subject(), .published = NamesAList(chain[i + 1])};
    for (size_t k = 0; k < lists.size(); ++k) {
      if (!lists[k].IsOf(chain[i])) continue;
      issuer.covered = true;
      spoke[k] = true;
    }
    coverage.issuers.push_back(std::move(issuer));
  }
  for (size_t k = 0; k < lists.size(); ++k) {
    const std::string name = lists[k].Issuer();
    std::vector<std::string>& others = coverage.others;
    if (!spoke[k] && std::find(others.begin(), others.end(), name) == others.end()) {
      others.push_back(name);
    }
  }
  return coverage;
}

std::string DemandText(ListDemand demand) {
  switch (demand) {
    case ListDemand::kNone:
      return "none: the policy demands no list";
    case ListDemand::kPublished:
      return "a list of each issuer whose certificate names one";
    case ListDemand::kEvery:
      return "a list of each issuer";
  }
  return "";
}

}  // namespace sealfold
