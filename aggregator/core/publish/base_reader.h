// The base model as the host stores it, in the clear.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_BASE_READER_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_BASE_READER_H_

#include <cstdint>
#include <optional>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/base/secret.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {

// Size of the base model's file as the host stores it: sealed if `terms` say so.
uint64_t BaseFileSizeBytes(const RoundTerms& terms);

// Turns the stored file, fed in order in pieces of any size, into the model file's bytes, handed on
// in order in pieces of at most max(piece, chunk). Moves, does not copy.
class BaseReader {
 public:
  // `key` is read now only; empty if the base is stored in the clear. Requires: the key that
  // `terms` commit to.
  BaseReader(const RoundTerms& terms, const Secret& key);
  // "seal_broken": the file is not what was sealed under the key; the reader is of no use any more.
  absl::Status Feed(ByteSpan stored, absl::FunctionRef<absl::Status(ByteSpan plain)> use);

 private:
  std::optional<SealedModel> sealed_;
  uint64_t chunk_ = 0;
  size_t filled_bytes_ = 0;
  Secret buffer_;  // of one sealed chunk, opened in place
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_BASE_READER_H_
