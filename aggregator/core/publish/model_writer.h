// The new model's file on its way to the host: in the clear, or sealed under the round's model key.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_WRITER_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_WRITER_H_

#include <cstdint>
#include <optional>

#include "aggregator/core/contract/action.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/base/secret.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {

// Moves, does not copy.
class ModelWriter {
 public:
  ModelWriter(const RoundTerms& terms, const RoundKeys& keys);

  // The next bytes of the model file, in the clear; sends ModelParts as they fill up.
  void Write(ByteSpan plain, Actions& actions);
  // Sends what is left. Requires: the whole file was written.
  void Finish(Actions& actions);
  // SHA-256 of the file in the clear, as far as written.
  Digest digest() const { return hash_.Peek(); }

 private:
  void Emit(ByteSpan bytes, Actions& actions);
  void SealChunk(Actions& actions);

  Sha256Stream hash_;
  std::optional<SealedModel> sealed_;
  uint64_t chunk_ = 0;
  size_t filled_bytes_ = 0;
  Secret buffer_;        // of one chunk, sealed in place
  uint64_t offset_ = 0;  // of `part_` in the file as sent
  Bytes part_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_WRITER_H_
