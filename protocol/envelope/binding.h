// What evidence binds: the hash of this goes into a document's user_data.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_BINDING_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_BINDING_H_

#include <optional>

#include "protocol/base/types.h"
#include "protocol/plan/plan.h"

namespace sealfold {

inline constexpr uint64_t kProtocolVersion = 1;

struct Binding {
  static constexpr char kType[] = "binding";
  uint64_t protocol = kProtocolVersion;
  Suite suite = Suite::kX25519Aes256Gcm;
  Digest hpke_key = {};  // SHA-256 of the round's HPKE public key
  Digest plan = {};
  Round round = {};
  Attempt attempt = {};
  SigningPublicKey record_key = {};  // signs this round's receipts and record
  std::optional<Digest> previous_record =
      {};                  // SHA-256 of the signed record of round - 1; none in round 1
  Digest base_model = {};  // the model file this round's updates are deltas of

  template <class V>
  void Fields(V& v) {
    v("protocol", protocol);
    v("suite", suite);
    v("hpke_key", hpke_key);
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("record_key", record_key);
    v("previous_record", previous_record);
    v("base_model", base_model);
  }
  bool operator==(const Binding&) const = default;

  // SHA-256 of the deterministic encoding: the document's user_data.
  Digest digest() const;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_BINDING_H_
