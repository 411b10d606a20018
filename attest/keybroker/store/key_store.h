// The broker's keys, its callers, and the platforms whose evidence it believes.
#ifndef SEALFOLD_ATTEST_KEYBROKER_STORE_KEY_STORE_H_
#define SEALFOLD_ATTEST_KEYBROKER_STORE_KEY_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attest/keybroker/demand/conditions.h"
#include "attest/keybroker/demand/key_releases.h"
#include "attest/keybroker/demand/trust.h"
#include "attest/keybroker/store/store_seal.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"

namespace sealfold {

struct KeyIdTag {
  static constexpr char kName[] = "key id";
};
using KeyId = FixedBytes<KeyIdTag, 16>;
// "00112233-4455-6677-8899-aabbccddeeff", as KMS writes key ids.
std::string KeyIdText(const KeyId& id);

struct KeyRecord {
  KeyId id = {};
  std::string name = {};                     // unique; KMS's "alias/NAME"
  bool unattested = false;                   // released without evidence: then it has no conditions
  std::vector<Condition> conditions = {};    // fit for ReadConditions where attested
  std::optional<KeyReleases> releases = {};  // where the conditions come from, if they may change
  template <class V>
  void Fields(V& v) {
    v("id", id);
    v("name", name);
    v("unattested", unattested);
    v("conditions", conditions);
    v("releases", releases);
  }
};

struct CallerRecord {
  std::string access_key_id = {};  // 20 letters and digits
  std::string name = {};           // unique; for the log
  template <class V>
  void Fields(V& v) {
    v("access_key_id", access_key_id);
    v("name", name);
  }
};

// Moves, does not copy. For one thread at a time.
class KeyStore {
 public:
  // InvalidArgument ("store_trust_empty" or as CheckEvidencePolicy) unless this build can verify
  // each platform's evidence under its root; "trust_lists_large": kTrustListsBytesMax.
  static absl::StatusOr<KeyStore> Create(std::vector<TrustRecord> trust);
  // What Seal gave. Every record is checked as when it was added. Errors as OpenWithPassphrase and
  // Add*, and "cbor_*", "field_*".
  static absl::StatusOr<KeyStore> Open(ByteSpan passphrase, ByteSpan sealed);
  // InvalidArgument, code "store_full", where Open would not take it: too many bytes, or items.
  absl::StatusOr<Bytes> Seal(ByteSpan passphrase, const PassphraseCost& cost = {}) const;
  // What Seal seals, and Open opens, for who seals it otherwise. Error as Seal.
  absl::StatusOr<Secret> Encode() const;
  static absl::StatusOr<KeyStore> Decode(const Secret& content);

  // A fresh AES-256 key. InvalidArgument with one of the codes
  //   name_malformed   1 to 64 letters, digits, '-', '_'
  //   name_taken
  //   key_unguarded    no conditions, and not marked unattested; or both
  //   key_unreachable  conditions on evidence of a kind that the store trusts no platform for
  //   store_full       1000 keys, or callers
  //   condition*, policy_*   conditions that are unfit, here or for a platform that is trusted
  absl::StatusOr<KeyId> AddKey(std::string name, bool unattested,
                               std::vector<Condition> conditions);
  // A fresh key with the conditions of `first`, which satisfies `releases`; their version is not
  // looked at. Errors as AddKey, CheckKeyReleases and ConditionsBy.
  absl::StatusOr<KeyId> AddReleasedKey(std::string name, KeyReleases releases,
                                       const Release& first);
  // The key's conditions become the release's, and no others, or stay as they are. InvalidArgument:
  // "key_name_unknown", "key_fixed" (its conditions come from no release), "condition*",
  // "key_unreachable"; or an error of ConditionsBy.
  absl::Status ApplyRelease(absl::string_view name, const Release& release);
  // The new caller's secret access key, 40 characters, is in SecretOf. Errors as AddKey.
  absl::StatusOr<std::string> AddCaller(std::string name);

  // The lists that count for `platform`'s evidence from now on, in place of those before; empty:
  // for that of every platform. Null: none. InvalidArgument: "platform_untrusted", and as Create.
  absl::Status SetRevocation(absl::string_view platform,
                             const std::shared_ptr<const RevocationLists>& revocation);

  const std::vector<KeyRecord>& keys() const { return keys_; }
  const std::vector<CallerRecord>& callers() const { return callers_; }
  const std::vector<TrustRecord>& trust() const { return trust_; }
  // By an id's text or "alias/NAME"; nullptr if there is none.
  const KeyRecord* FindKey(absl::string_view id) const;
  const KeyRecord* FindKey(const KeyId& id) const;
  const CallerRecord* FindCaller(absl::string_view access_key_id) const;
  // Requires: a record of this store.
  const Secret& SecretOf(const KeyRecord& key) const;
  const Secret& SecretOf(const CallerRecord& caller) const;

 private:
  KeyStore() = default;
  absl::Status CheckGuard(const KeyRecord& record) const;
  absl::StatusOr<KeyId> AddFresh(KeyRecord record);
  absl::Status Insert(KeyRecord record, Secret secret);
  absl::Status Insert(CallerRecord record, Secret secret);

  std::vector<TrustRecord> trust_;
  std::vector<KeyRecord> keys_;
  std::vector<CallerRecord> callers_;
  std::vector<Secret> key_secrets_;     // of the keys, in their order
  std::vector<Secret> caller_secrets_;  // of the callers, in theirs
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_STORE_KEY_STORE_H_
