// What an aggregator gives its host to keep across a restart, sealed, and bound to the record it
// was made for: for any other round only the identity in it is of use (docs/PROTOCOL.md, "Sealed
// state").
//
// A header in the clear, then the identity's seed and the model key of that record's round (sealed
// delivery) or nothing, sealed by AES-256-GCM under a key that HKDF-SHA256 makes of the state key
// and the header. The header fixes what is sealed, so a key never seals two things.
#ifndef SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_
#define SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

inline constexpr size_t kStateKeySize = 32;
inline constexpr size_t kStateKeyBlobSizeMax = 8192;  // a KMS ciphertext blob has at most 6144

// What the key service gives. A key that came by a blob of the host's only opens: whoever may have
// the service encrypt could have chosen it. What seals is one that the service drew for this
// process.
struct StateKey {
  Secret key = {};    // seals; kStateKeySize bytes
  Bytes blob = {};    // gives `key` to whom the service releases it
  Secret opens = {};  // the key of the stored state; empty where there is none
};

struct StateHeader {
  static constexpr char kType[] = "sealfold-state-1";
  Digest plan = {};
  uint64_t round = 0;  // 0: before the first
  std::optional<Digest> record =
      {};  // SHA-256 of that round's signed record; none before the first
  std::optional<Digest> model_key_commitment = {};  // the record's
  SigningPublicKey identity = {};
  Bytes blob = {};  // the state key's

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("record", record);
    v("model_key_commitment", model_key_commitment);
    v("identity", identity);
    v("blob", blob);
  }
};

struct SealedState {
  StateHeader header = {};
  Bytes header_bytes = {};  // as they are in the file
  Bytes sealed = {};
};

struct StateContent {
  Secret identity_seed = {};  // of header.identity; SigningKey::kSeedSize bytes
  Secret model_key = {};      // what header.model_key_commitment commits to; empty without one
};

// Requires: `content` is what the header says.
Bytes SealState(const StateHeader& header, ByteSpan state_key, const StateContent& content);

// What SealState gave, not yet opened. InvalidArgument: "state_malformed", "cbor_*", "field_*".
absl::StatusOr<SealedState> DecodeSealedState(ByteSpan bytes);

// PermissionDenied, "seal_broken", unless all of it was sealed under `state_key`, which has
// kStateKeySize bytes; InvalidArgument, "state_malformed", if the seed is not the identity's.
absl::StatusOr<StateContent> OpenState(const SealedState& state, ByteSpan state_key);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_
