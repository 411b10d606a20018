// A platform whose evidence the broker believes.
#ifndef SEALFOLD_ATTEST_KEYBROKER_DEMAND_TRUST_H_
#define SEALFOLD_ATTEST_KEYBROKER_DEMAND_TRUST_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/x509/revocation/revocation.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// Of all platforms together, in DER: a store has a bound.
inline constexpr size_t kTrustListsBytesMax = 1u << 20;

struct TrustRecord {
  std::string platform = {};
  std::string root_pem = {};  // as EvidencePolicy has it: empty for AWS's platforms
  // As EvidencePolicy has it. Null: none.
  std::shared_ptr<const RevocationLists> revocation = {};
};

// The same as a store keeps it: lists as bytes.
struct StoredLists {
  std::vector<Bytes> der = {};
  bool accept_expired = false;
  ListDemand demand = ListDemand::kNone;
  template <class V>
  void Fields(V& v) {
    v("der", der);
    v("accept_expired", accept_expired);
    v("demand", demand);
  }
};
struct StoredTrust {
  std::string platform = {};
  std::string root_pem = {};
  std::optional<StoredLists> revocation_lists = {};
  template <class V>
  void Fields(V& v) {
    v("platform", platform);
    v("root_pem", root_pem);
    v("revocation_lists", revocation_lists);
  }
};

StoredTrust Store(const TrustRecord& record);
// Errors as RevocationList::Parse.
absl::StatusOr<TrustRecord> Restore(const StoredTrust& stored);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_DEMAND_TRUST_H_
