// One request's answer: the broker without its sockets, its clock and its files.
#ifndef SEALFOLD_ATTEST_KEYBROKER_SERVER_BROKER_H_
#define SEALFOLD_ATTEST_KEYBROKER_SERVER_BROKER_H_

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/functional/any_invocable.h"
#include "attest/keybroker/kms/kms_request.h"
#include "attest/keybroker/log/decision_log.h"
#include "attest/keybroker/log/stranger_budget.h"
#include "attest/keybroker/store/key_store.h"
#include "attest/x509/chain_cache.h"

namespace sealfold {

// As KMS answers: 200 and the operation's members, or 400 (500 where the broker itself is at fault)
// and {"__type": "AccessDeniedException", "message": "..."}.
struct KmsAnswer {
  int status = 200;
  std::string body = {};
};
KmsAnswer ErrorAnswer(const absl::Status& error);

// Moves, does not copy. For one thread at a time.
class Broker {
 public:
  // Where decisions are written; its error withholds the answer.
  using Log = absl::AnyInvocable<absl::Status(const Decision&)>;

  Broker(KeyStore store, Log log) : store_(std::move(store)), log_(std::move(log)) {}
  const KeyStore& store() const { return store_; }
  // Keys, callers and whom to trust from now on.
  void Replace(KeyStore store) { store_ = std::move(store); }
  // With an error: it is the answer to every release to evidence from now on. OK: no longer.
  void Withhold(absl::Status why) { withheld_ = std::move(why); }

  // `caller`: the name of who signed the request, or why nobody did: then that is the answer.
  // Every call is one decision, and is logged before it is answered. Of requests that nobody
  // signed, which anyone can send, a bounded number is (StrangerBudget); the next line of the log
  // counts the others.
  KmsAnswer Answer(const absl::StatusOr<std::string>& caller, absl::string_view target,
                   absl::string_view body, uint64_t now_ms);

 private:
  absl::StatusOr<nlohmann::json> Decide(absl::string_view target, absl::string_view body,
                                        Decision& decision) const;
  absl::StatusOr<nlohmann::json> Decrypt(const KmsRequest& request, Decision& decision) const;
  absl::StatusOr<nlohmann::json> Encrypt(const KmsRequest& request, Decision& decision) const;
  absl::StatusOr<nlohmann::json> GenerateDataKey(const KmsRequest& request,
                                                 Decision& decision) const;
  absl::StatusOr<nlohmann::json> GenerateRandom(const KmsRequest& request,
                                                Decision& decision) const;
  absl::StatusOr<const KeyRecord*> Find(const std::string& id, Decision& decision) const;
  // The key (SubjectPublicKeyInfo) to seal what is released to; empty: it may be in the clear.
  // `key` is null where nothing of a key's is released.
  absl::StatusOr<Bytes> Release(const KeyRecord* key, const KmsRequest& request,
                                Decision& decision) const;

  // Machines ask with many documents under the same certificates.
  std::unique_ptr<ChainCache> chains_ = std::make_unique<ChainCache>();
  KeyStore store_;
  absl::Status withheld_;
  Log log_;
  StrangerBudget strangers_;
  uint64_t unlogged_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_SERVER_BROKER_H_
