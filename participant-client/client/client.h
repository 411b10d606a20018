// The API of a participant: one run, one key, one state folder.
//
//   auto client = Client::Open({...});               // fetches the plan, checks it against the
//   policy client->CatchUp();                               // verifies and remembers every record
//   so far client->BaseModel();                             // the model to train on, verified
//   client->Submit("update.safetensors", 120);       // attests, seals, sends; nothing leaves
//   before all checks pass client->CatchUp();                               // later: the round's
//   record, with the own receipt's inclusion
//
// One thread. Errors explain themselves (protocol/base/error.h): PermissionDenied is this
// participant's refusal, Unavailable the network or a peer, InvalidArgument bad input.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_CLIENT_CLIENT_H_
#define SEALFOLD_PARTICIPANT_CLIENT_CLIENT_CLIENT_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "participant-client/client/fetch.h"
#include "participant-client/memory/memory_store.h"
#include "participant-client/session/session.h"

namespace sealfold {

struct ClientSetup {
  Policy policy;
  SigningKey key;
  HpkeKeyPair model_key;
  std::string state_dir;  // the run's memory and files go to a folder in it
  LinkFactory connect;    // e.g. ConnectZmq with an endpoint
  Patience patience = {};
  // What is known of the certificates of evidence, so that it need not be found again in every
  // round. Several clients may share one; none: the client's own.
  std::shared_ptr<ChainCache> chains = {};
};

// What is told while a submission goes on; each may be empty.
struct SubmitWatcher {
  std::function<void(const CheckList& checks)> checks = {};  // every offer that was judged
  std::function<void(uint64_t chunks, uint64_t of)> acknowledged = {};  // the upload got further
};

struct Submission {
  LogEntry entry;  // what the receipt says
  Bytes receipt;
  CheckList checks;  // of the offer that was accepted
};

// One verified round.
struct RoundReport {
  CheckedRecord record;
  CheckList checks;
  bool included = false;  // an update of this participant is in the round's log
  std::string
      receipt_proof_path;  // of the receipt with its inclusion proof; empty if there is no receipt
  // The aggregator has another identity than that of the round before, or one has none: it began
  // anew, without what that one had sealed. Not in round 1.
  bool identity_changed = false;
  // Of round 1: the aggregator is that of another run in this participant's state folder.
  bool identity_of_earlier_run = false;
};

class Client {
 public:
  static absl::StatusOr<std::unique_ptr<Client>> Open(ClientSetup setup);

  const SignedPlan& plan() const { return plan_; }
  const CheckList& plan_checks() const { return plan_checks_; }
  const Memory& memory() const { return store_->memory(); }
  // A file in the run's folder.
  std::string Path(absl::string_view name) const { return store_->Path(name); }
  // The host's word about the run; waits for news after version `after`.
  absl::StatusOr<RunStatus> Status(uint64_t after) { return host_.Status(after); }

  // Fetches, verifies, keeps (record-R.cbor, receipt-R.cbor) and remembers the next record, chained
  // to what was seen. PermissionDenied if a check fails (last_checks() has all of them),
  // "receipt_not_honoured" if the aggregator signed a receipt for this attempt but its record
  // leaves the update out.
  absl::StatusOr<RoundReport> NextRecord();
  // NextRecord for each record that the host says there is.
  absl::StatusOr<std::vector<RoundReport>> CatchUp();

  // The verified model that the next round's updates are deltas of, in the run's folder (fetched if
  // need be).
  absl::StatusOr<std::string> BaseModel();

  // Asks the aggregator what it is and judges the answer; sends nothing of an update. The checks,
  // passed or not.
  absl::StatusOr<CheckList> Attest();

  // Submits the update at `update_path` to the round under way and returns with a receipt that
  // holds. `weight`: else the file's num_examples. May be called again after any failure or in a
  // later process: it goes on where it was.
  absl::StatusOr<Submission> Submit(const std::string& update_path, std::optional<uint64_t> weight,
                                    const SubmitWatcher& watcher = {});

  // Of what was judged last: a plan, record or offer.
  const CheckList& last_checks() const { return last_checks_; }

 private:
  Client(ClientSetup setup, std::unique_ptr<Link> link);
  absl::StatusOr<RecordJudgement> SeenRecordFile();
  absl::StatusOr<FetchedRecord> FetchSeenRecord();
  absl::StatusOr<Secret> BaseModelKey();
  absl::Status KeepReceipt(const RecordFile& file, RoundReport& report);

  ClientSetup setup_;
  std::unique_ptr<Link> link_;  // for the host; every submission has one of its own
  RemoteHost host_;
  SignedPlan plan_;
  CheckList plan_checks_;
  CheckList last_checks_;
  std::unique_ptr<MemoryStore> store_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_CLIENT_CLIENT_H_
