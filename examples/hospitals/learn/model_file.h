// The model and its updates as safetensors files, as torch.nn.Linear(30, 1) names its tensors:
// "weight" of shape [1, 30] and "bias" of shape [1], both F32.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_LEARN_MODEL_FILE_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_LEARN_MODEL_FILE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "examples/hospitals/learn/logistic.h"

namespace sealfold::hospitals {

// Refused: what is not a safetensors file, has other tensors ("model_tensors_wrong"), or a value
// that is not finite
// ("model_not_finite").
absl::StatusOr<StoredParameters> ReadModel(const std::string& path);

// `metadata` goes to "__metadata__". An update says there how many examples it was made from:
// "num_examples".
absl::Status WriteModel(const std::string& path, const StoredParameters& model,
                        const std::map<std::string, std::string>& metadata);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_LEARN_MODEL_FILE_H_
