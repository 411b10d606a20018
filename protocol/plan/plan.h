// The plan: the signed contract of a run. Everyone reads the same bytes; its digest names the run.
#ifndef SEALFOLD_PROTOCOL_PLAN_PLAN_H_
#define SEALFOLD_PROTOCOL_PLAN_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/crypto/sign.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// Names as they stand in plans and in docs/PROTOCOL.md.
enum class Suite { kX25519Aes256Gcm, kX25519ChaCha20Poly1305 };
absl::Span<const char* const> CborEnumNames(
    Suite);  // "x25519-hkdf-sha256-aes-256-gcm", "...-chacha20-poly1305"
AeadId SuiteAead(Suite suite);

enum class Strategy { kFedAvg };  // McMahan et al. 2017: the weighted mean of updates
absl::Span<const char* const> CborEnumNames(Strategy);

// How the global model reaches the participants: readable by anyone, or sealed to each of them.
enum class Delivery { kPublic, kSealed };
absl::Span<const char* const> CborEnumNames(Delivery);

struct PlanParticipant {
  std::string name;            // for people
  SigningPublicKey key;        // signs its envelopes; names it everywhere
  SealingPublicKey model_key;  // a sealed model's key is sealed to it

  template <class V>
  void Fields(V& v) {
    v("name", name);
    v("key", key);
    v("model_key", model_key);
  }
  bool operator==(const PlanParticipant&) const = default;
};

struct Plan {
  static constexpr char kType[] = "sealfold-plan-1";

  std::string name;
  uint64_t rounds = 1;  // the run's length, 1 to 100 000
  std::vector<TensorSpec> tensors;
  Digest initial_model;  // SHA-256 of the canonical model file that round 1 starts from
  std::vector<PlanParticipant> participants;  // 1 to 65 535, keys unique
  uint64_t quorum = 3;  // fewest updates that may be published; 1 to participants
  Strategy strategy = Strategy::kFedAvg;
  double learning_rate = 1.0;       // the server's: model += learning_rate * mean(updates)
  double range = 1.0;               // R: every element of an update is within [-R, R]
  Weight weight_max{1};             // Wmax: the greatest number of examples one update may claim
  uint64_t attempts_max = 3;        // how often one round may be started
  uint64_t deadline_seconds = 600;  // of one attempt, from its start by the aggregator's clock
  bool early_close = true;          // whether the coordinator may end a round once there is quorum
  Suite suite = Suite::kX25519Aes256Gcm;
  uint64_t chunk_bytes = 65536;    // plaintext of a chunk: a multiple of 64, 4 KiB to 1 MiB
  uint64_t staging_bytes_max = 0;  // bound on staged updates as they are sealed; at least one
  Delivery delivery = Delivery::kPublic;
  std::optional<UpdateEncoding> update_encoding;  // none: elements go as they are

  template <class V>
  void Fields(V& v) {
    v("name", name);
    v("rounds", rounds);
    v("tensors", tensors);
    v("initial_model", initial_model);
    v("participants", participants);
    v("quorum", quorum);
    v("strategy", strategy);
    v("learning_rate", learning_rate);
    v("range", range);
    v("weight_max", weight_max);
    v("attempts_max", attempts_max);
    v("deadline_seconds", deadline_seconds);
    v("early_close", early_close);
    v("suite", suite);
    v("chunk_bytes", chunk_bytes);
    v("staging_bytes_max", staging_bytes_max);
    v("delivery", delivery);
    v("update_encoding", update_encoding);
  }
  bool operator==(const Plan&) const = default;

  // Of an update's payload. Requires: CheckTensors and CheckUpdateEncoding pass.
  PayloadLayout payload_layout() const;

  // The participant's place in `participants`.
  std::optional<uint32_t> IndexOf(const SigningPublicKey& key) const;
};

// Bytes of all chunks of one update as they are sealed: the payload, and a tag for each chunk.
// Requires: CheckTensors(plan.tensors).ok(), chunk_bytes > 0.
uint64_t SealedUpdateBytes(const Plan& plan);

// Every bound named above. InvalidArgument naming the field ("plan_*").
absl::Status CheckPlan(const Plan& plan);

// A plan as everyone holds it: signed bytes and what they say.
struct SignedPlan {
  Plan plan;
  SigningPublicKey coordinator;
  Bytes bytes;    // COSE_Sign1
  Digest digest;  // SHA-256(bytes)
};

// Requires: CheckPlan(plan).ok().
SignedPlan SignPlan(const Plan& plan, const SigningKey& coordinator);
// Form, signature and CheckPlan. Whether to trust `coordinator` is the caller's question.
absl::StatusOr<SignedPlan> OpenPlan(ByteSpan bytes);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PLAN_PLAN_H_
