// The JSON of a safetensors header, written. No JSON library: the aggregator publishes models with
// this.
#ifndef SEALFOLD_PROTOCOL_MODEL_HEADER_JSON_H_
#define SEALFOLD_PROTOCOL_MODEL_HEADER_JSON_H_

#include <string>

#include "protocol/model/tensor.h"

namespace sealfold {

// The members that name `tensors`, separated by commas, without the braces around:
// "a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":...
// Requires: CheckTensors(tensors).ok(), so that no name needs escaping.
std::string TensorMembersJson(absl::Span<const TensorSpec> tensors);

// `json` behind its 8-byte little-endian length, padded with spaces to a multiple of 8.
Bytes FrameHeader(std::string json);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_HEADER_JSON_H_
