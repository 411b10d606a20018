// From a final sum to the new model's file: reads the base model from the host, twice.
//
// The first pass only looks: at the whole, against the digest the round is bound to, and at each
// part, to know it again. The second uses each part once it is known to be the first's. So nothing
// is ever computed from a base that the host chose, from which it could learn more of the sum than
// the published model shows; and a sealed model written again after a lost connection is the same
// bytes, never two plaintexts under one nonce.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_PUBLISHER_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_PUBLISHER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "aggregator/core/contract/action.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "aggregator/core/publish/base_reader.h"
#include "aggregator/core/publish/model_stream.h"
#include "aggregator/core/publish/model_writer.h"
#include "aggregator/core/publish/part_tags.h"
#include "protocol/crypto/hash.h"

namespace sealfold {

// One thread. What it is made with outlives it.
class Publisher {
 public:
  // `base_key` is empty where the base is stored in the clear. Requires: weight_sum > 0.
  Publisher(const RoundTerms& terms, const RoundKeys& keys, const Secret& base_key,
            absl::Span<const int64_t> sum, uint64_t weight_sum);
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // Asks for the base from its first byte; model parts start over from offset 0 too. Called at
  // first, to try again after "base_wrong", and when the host lost what it had.
  void Start(Actions& actions);

  // The answer to the first WantBase that had none; asks for more, a few parts ahead so that the
  // host reads one while another is used here, and in the second pass sends model parts. What was
  // asked for before a fault or a new Start is passed over.
  //   "base_unexpected": not what was asked for; nothing changed.
  //   "base_wrong": not the base model; waits for Start.
  //   "base_not_canonical", "model_overflow": this round can never be published.
  absl::Status OnBase(uint64_t offset, ByteSpan bytes, Actions& actions);

  // The new model's digest, in the clear, once all its parts are sent.
  std::optional<Digest> model() const { return model_; }
  // Whether it waits for Start.
  bool stopped() const { return !wanted_.has_value(); }

 private:
  struct Reading {  // a pass over the base
    BaseReader reader;
    Sha256Stream hash = {};
  };
  struct Writing {
    ModelStream stream;
    ModelWriter writer;
  };
  void Ask(Actions& actions);
  absl::Status Take(uint64_t offset, ByteSpan bytes, Actions& actions);
  absl::Status Check(ByteSpan part);
  absl::Status Use(uint64_t offset, ByteSpan part, Actions& actions);

  const RoundTerms& terms_;
  const RoundKeys& keys_;
  const Secret& base_key_;
  const absl::Span<const int64_t> sum_;
  const uint64_t weight_sum_;
  const uint64_t base_bytes_;
  PartTags parts_;                  // of the base as stored
  bool checked_ = false;            // the first pass is over: parts_ is the base model
  std::optional<uint64_t> wanted_;  // offset of the part that comes next
  uint64_t asked_bytes_ = 0;        // how far this pass has asked
  uint64_t given_up_bytes_ = 0;     // how far earlier ones had: answers may still be on their way
  std::optional<Reading> reading_;
  std::optional<Writing> writing_;
  std::optional<Digest> model_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_PUBLISHER_H_
