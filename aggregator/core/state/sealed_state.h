// What an aggregator gives its host to keep across a restart: sealed, and of no use with any other
// record than the one it was made for (docs/PROTOCOL.md, "Sealed state").
//
// A header in the clear, then the model key of that record's round (sealed delivery), or nothing,
// sealed by AES-256-GCM under a key that HKDF-SHA256 makes of the state key and the header. The
// header fixes what is sealed, so a key never seals two things.
#ifndef SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_
#define SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"

namespace sealfold {

inline constexpr size_t kStateKeySize = 32;
inline constexpr size_t kStateKeyBlobSizeMax = 8192;  // a KMS ciphertext blob has at most 6144

// A data key and what the key service made of it: the blob gives the key to whom the service
// releases it.
struct StateKey {
  Secret key = {};  // kStateKeySize bytes
  Bytes blob = {};
};

struct StateHeader {
  static constexpr char kType[] = "sealfold-state-1";
  Digest plan = {};
  uint64_t round = 0;  // 0: before the first
  std::optional<Digest> record =
      {};  // SHA-256 of that round's signed record; none before the first
  std::optional<Digest> model_key_commitment = {};  // the record's
  Bytes blob = {};                                  // the state key's

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("record", record);
    v("model_key_commitment", model_key_commitment);
    v("blob", blob);
  }
};

struct SealedState {
  StateHeader header = {};
  Bytes header_bytes = {};  // as they are in the file
  Bytes sealed = {};
};

// Requires: `model_key` is what header.model_key_commitment commits to, and empty without one.
Bytes SealState(const StateHeader& header, ByteSpan state_key, ByteSpan model_key);

// What SealState gave, not yet opened. InvalidArgument: "state_malformed", "cbor_*", "field_*".
absl::StatusOr<SealedState> DecodeSealedState(ByteSpan bytes);

// The model key, or empty. PermissionDenied, "seal_broken", unless all of it was sealed under
// `state_key`, which has kStateKeySize bytes.
absl::StatusOr<Secret> OpenState(const SealedState& state, ByteSpan state_key);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_STATE_SEALED_STATE_H_
