// What a participant remembers of a run, so that no host can take it back to an earlier state.
//
// Pure values and rules; memory_store.h keeps them on disk.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_H_
#define SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_H_

#include <optional>
#include <string>
#include <vector>

#include "participant-client/policy/check_list.h"
#include "protocol/base/types.h"
#include "protocol/envelope/binding.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

// The update that a round's attempts send. All attempts of a round send the same one: two sums that
// differ by two updates of one party would tell their difference.
struct UpdateIdentity {
  std::string path;  // absolute; with C's escapes where it is not UTF-8
  uint64_t size_bytes = 0;
  uint64_t modified_ns = 0;  // since 1970
  Weight weight;

  template <class V>
  void Fields(V& v) {
    v("path", path);
    v("size_bytes", size_bytes);
    v("modified_ns", modified_ns);
    v("weight", weight);
  }
  bool operator==(const UpdateIdentity&) const = default;
};

// The last round record that was verified.
struct SeenRecord {
  Round round;
  Digest record;                                  // SHA-256 of the signed record
  Digest model;                                   // what the next round's updates are deltas of
  std::optional<SigningPublicKey> identity = {};  // the aggregator's, where it has one

  template <class V>
  void Fields(V& v) {
    v("round", round);
    v("record", record);
    v("model", model);
    v("identity", identity);
  }
  bool operator==(const SeenRecord&) const = default;
};

// The last attempt that this participant sent anything sealed to.
struct EnteredAttempt {
  Round round;
  Attempt attempt;
  Digest hpke_key;  // SHA-256 of the key sealed to
  UpdateIdentity update;
  uint64_t sequence = 0;        // of the last header signed in this attempt
  std::vector<Digest> headers;  // digests of those headers, oldest first
  std::optional<Bytes> receipt;

  template <class V>
  void Fields(V& v) {
    v("round", round);
    v("attempt", attempt);
    v("hpke_key", hpke_key);
    v("update", update);
    v("sequence", sequence);
    v("headers", headers);
    v("receipt", receipt);
  }
  bool operator==(const EnteredAttempt&) const = default;
};

struct Memory {
  static constexpr char kType[] = "sealfold-memory-1";
  Digest plan;
  SigningPublicKey participant;
  std::optional<SeenRecord> seen;
  std::optional<EnteredAttempt> entered;
  // Of the latest signed release (attest/release) that anything was sealed to: none older is
  // accepted again.
  std::optional<uint64_t> release_version = {};

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("participant", participant);
    v("seen", seen);
    v("entered", entered);
    v("release_version", release_version);
  }
  bool operator==(const Memory&) const = default;

  // The only round that an update may go into now: the one after the last record seen.
  Round round_next() const { return seen.has_value() ? seen->round.next() : Round(1); }
  // Whether `binding` is the attempt entered last, under the same key: an upload may go on there.
  bool Resumes(const Binding& binding) const;
  // Whether the attempt entered last is of round_next() and has a receipt.
  bool HasReceipt(Round round) const;
};

// The checks "round", "previous_record", "base_model", "attempt" and "update" of what evidence
// binds, with the failures
//   offer_round_seen      a record of this round (or a later one) was seen: never submit to it
//   again offer_round_ahead     records in between are not known: fetch and verify them first
//   offer_chain_broken    it goes on from another record than the one seen
//   offer_base_model      it starts from another model than the one seen (or than the plan's, in
//   round 1) offer_attempt_limit   above `attempts_max` offer_attempt_old     an attempt below the
//   one entered last offer_key_changed     the attempt entered last, but with another key
//   offer_update_changed  an earlier attempt of this round got another update
void CheckAgainstMemory(const Memory& memory, const Plan& plan, const Binding& binding,
                        uint64_t attempts_max, const std::optional<UpdateIdentity>& update,
                        CheckList& checks);

// The check "release": that the release which evidence matched (0: none, a person's own values) is
// not older than one accepted before. Failure "offer_release_old".
void CheckReleaseVersion(const Memory& memory, uint64_t matched, CheckList& checks);

// Takes `record` into the memory. Requires: CheckRecordChain of the record before it passed.
// "record_rolled_back" (PermissionDenied) unless it is of round_next() and goes on from what was
// seen.
absl::Status Remember(const CheckedRecord& record, Memory& memory);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_H_
