// The new model from the base model and the sum, as a stream: memory does not grow with the model.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_STREAM_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_STREAM_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/base/secret.h"

namespace sealfold {

// Takes the base model file in order and hands on the new one in order. Moves, does not copy.
class ModelStream {
 public:
  // `terms` and `sum` outlive it. Requires: weight_sum > 0, a sum of terms.layout.sum_elements.
  ModelStream(const RoundTerms& terms, absl::Span<const int64_t> sum, uint64_t weight_sum);

  // Requires: no more bytes in all than the file has. "model_overflow" when an element of the new
  // model is not finite; "base_not_canonical" when the file does not start with the plan's
  // canonical header.
  absl::Status Feed(ByteSpan base, absl::FunctionRef<void(ByteSpan model)> use);
  // All of the file has passed.
  bool complete() const { return part_ == terms_->layout.parts.size(); }

 private:
  absl::Status FeedSome(ByteSpan base, absl::FunctionRef<void(ByteSpan model)> use);

  const RoundTerms* terms_;
  absl::Span<const int64_t> sum_;
  uint64_t weight_sum_;
  Bytes header_;
  uint64_t header_done_ = 0;  // bytes of the header that passed
  size_t part_ = 0;           // tensor under way
  uint64_t element_ = 0;      // its next element
  size_t carry_bytes_ = 0;    // of an element whose end is still to come, at work_'s start
  Secret work_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_MODEL_STREAM_H_
