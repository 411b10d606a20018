#include "attest/keybroker/demand/trust.h"

#include <utility>

#include "protocol/base/error.h"

namespace sealfold {

StoredTrust Store(const TrustRecord& record) {
  StoredTrust stored{.platform = record.platform, .root_pem = record.root_pem};
  if (record.revocation == nullptr) return stored;
  StoredLists& lists = stored.revocation_lists.emplace();
  for (const RevocationList& each : record.revocation->lists) lists.der.push_back(each.der());
  lists.accept_expired = record.revocation->accept_expired;
  lists.demand = record.revocation->demand;
  return stored;
}

absl::StatusOr<TrustRecord> Restore(const StoredTrust& stored) {
  TrustRecord record{.platform = stored.platform, .root_pem = stored.root_pem};
  if (!stored.revocation_lists.has_value()) return record;
  RevocationLists revocation{.accept_expired = stored.revocation_lists->accept_expired,
                             .demand = stored.revocation_lists->demand};
  for (const Bytes& der : stored.revocation_lists->der) {
    SEALFOLD_ASSIGN_OR_RETURN(RevocationList list, RevocationList::Parse(der));
    revocation.lists.push_back(std::move(list));
  }
  record.revocation = std::make_shared<const RevocationLists>(std::move(revocation));
  return record;
}

}  // namespace sealfold
