// What the log says of what was changed in the store: keys, callers, whom to trust.
#ifndef SEALFOLD_ATTEST_KEYBROKER_LOG_STORE_CHANGES_H_
#define SEALFOLD_ATTEST_KEYBROKER_LOG_STORE_CHANGES_H_

#include <vector>

#include "attest/keybroker/log/decision_log.h"
#include "attest/keybroker/store/key_store.h"

namespace sealfold {

// Who changes a store: whoever can open it. No caller has such a name.
inline constexpr char kAdministrator[] = "(administrator)";

// A store without its secrets, as it was.
struct StoreRecords {
  std::vector<TrustRecord> trust = {};
  std::vector<KeyRecord> keys = {};
  std::vector<CallerRecord> callers = {};
};
StoreRecords RecordsOf(const KeyStore& store);

// A decision for each record that is not as before, in this order, each by the administrator:
//   TrustPlatform, SetRevocation, DistrustPlatform   a platform's first record, another, none
//   CreateKey, ChangeKey, RemoveKey                  of a key
//   CreateCaller, ChangeCaller, RemoveCaller         of a caller; `key` is its access key's id
// `evidence` is the SHA-256 of what the store keeps of the record, where it keeps one.
std::vector<Decision> StoreChanges(const StoreRecords& before, const StoreRecords& after,
                                   uint64_t now_ms);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_LOG_STORE_CHANGES_H_
