// The JSON of a safetensors header, read: names, dtypes, shapes and offsets as they are written.
// Whether the offsets fit one another and the file is SafetensorsHeader's matter.
#ifndef SEALFOLD_PROTOCOL_MODEL_HEADER_READER_H_
#define SEALFOLD_PROTOCOL_MODEL_HEADER_READER_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/model/tensor.h"

namespace sealfold {

struct HeaderContent {
  struct Tensor {
    TensorSpec spec;
    uint64_t begin = 0;  // "data_offsets": from where data starts
    uint64_t end = 0;
  };
  std::vector<Tensor> tensors;  // in the order written
  std::map<std::string, std::string> metadata;
};

// One JSON object, which may be followed by spaces. BadInput with code "safetensors_*" for anything
// else, for doubled or unknown keys, and for more than the bounds of safetensors.h and tensor.h.
absl::StatusOr<HeaderContent> ReadHeaderJson(absl::string_view json);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_HEADER_READER_H_
