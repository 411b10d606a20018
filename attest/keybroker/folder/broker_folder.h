// A broker's folder:
//   store.sealed    keys, callers and trusted platforms, under the passphrase or a TPM
//   decisions.log   every decision, chained
//   store.unlogged  only while a change may have no line yet: the store that the log knows
//   tls.pem, tls.key   a certificate of its own, for clients to pin
#ifndef SEALFOLD_ATTEST_KEYBROKER_FOLDER_BROKER_FOLDER_H_
#define SEALFOLD_ATTEST_KEYBROKER_FOLDER_BROKER_FOLDER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "attest/keybroker/log/decision_log.h"
#include "attest/keybroker/log/store_changes.h"
#include "attest/keybroker/store/key_store.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

struct BrokerFolder {
  std::string path = {};
  std::string passphrase_path = {};  // a file that its owner alone can read; or else
  std::string tpm = {};              // "device:/dev/tpmrm0", "swtpm:path=..."

  std::string store_path() const { return path + "/store.sealed"; }
  std::string unlogged_path() const { return path + "/store.unlogged"; }
  std::string log_path() const { return path + "/decisions.log"; }
  std::string certificate_path() const { return path + "/tls.pem"; }
  std::string key_path() const { return path + "/tls.key"; }
};

// Held while the store is read, changed and written: of two verbs at once, neither loses what the
// other made.
absl::StatusOr<UniqueFd> LockStore(const BrokerFolder& folder);

// InvalidArgument: "passphrase_exposed", "passphrase_short", "file_unusable"; and as KeyStore::Open
// or OpenStoreByTpm.
absl::StatusOr<KeyStore> OpenStore(const BrokerFolder& folder);
// In place of the one there is, if any, which stays as store.unlogged until MarkLogged. Requires:
// the lock is held. Errors as those, and "store_full".
absl::Status WriteStore(const BrokerFolder& folder, const KeyStore& store);

// Has `change` change the store, writes it, and what is other than before to the log; where a
// broker that serves has the log, it writes that when it takes the store up. The store as it is
// then. Where `change` gives an error, it is returned and nothing is written.
absl::StatusOr<KeyStore> ChangeStore(const BrokerFolder& folder,
                                     absl::FunctionRef<absl::Status(KeyStore&)> change);

// Adds a line for each of StoreChanges.
absl::Status LogChanges(const StoreRecords& before, const KeyStore& after, DecisionLog& log);

// What is done of a change where its writer came to no end: adds the lines between store.unlogged,
// if there is one, and `store`. Lines that it had still written stand twice. For these two: the
// lock is held.
absl::Status LogUnlogged(const BrokerFolder& folder, const KeyStore& store, DecisionLog& log);
// That the log knows the store as it is.
absl::Status MarkLogged(const BrokerFolder& folder);

// Which file the store is: another one once a verb has written it.
struct StoreVersion {
  ino_t inode = 0;
  int64_t changed_s = 0, changed_ns = 0;
  bool operator==(const StoreVersion&) const = default;
};
StoreVersion VersionOf(const BrokerFolder& folder);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_FOLDER_BROKER_FOLDER_H_
