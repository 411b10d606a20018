// Which issuers of a chain a policy's revocation lists are about, and which not: a list that is
// about none of them, as of another region or of authorities that were replaced, says nothing, and
// must not look as if it did.
#ifndef SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_COVERAGE_H_
#define SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_COVERAGE_H_

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "attest/x509/certificate.h"
#include "attest/x509/revocation/revocation.h"

namespace sealfold {

struct ListCoverage {
  struct Issuer {
    std::string name;  // printable
    bool covered = false;
    bool published = false;  // its certificate in the chain names a list of it
  };
  std::vector<Issuer> issuers;      // from the root down, without the leaf
  std::vector<std::string> others;  // the issuers of lists that are about nobody in the chain

  bool Meets(ListDemand demand) const;
  // "lists of A; none of B; none of C, which names none; about nobody here: D".
  std::string Text() const;
};

// `chain` from the root down, as CheckRevocation passed it with these lists.
ListCoverage CoverageOf(absl::Span<const Certificate> chain,
                        absl::Span<const RevocationList> lists);

// What is expected, for people.
std::string DemandText(ListDemand demand);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_COVERAGE_H_
