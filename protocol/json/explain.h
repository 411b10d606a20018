// Why a JSON document does not satisfy a schema, in words for its author.
#ifndef SEALFOLD_PROTOCOL_JSON_EXPLAIN_H_
#define SEALFOLD_PROTOCOL_JSON_EXPLAIN_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace sealfold::json_internal {

// The error at the node that `path` (object keys and array indices from the root) leads to;
// `document` failed `schema` there. For LoadJson only.
absl::Status ExplainFailure(const nlohmann::json& schema, const nlohmann::json& document,
                            const std::vector<std::string>& path, const std::string& source);

}  // namespace sealfold::json_internal

#endif  // SEALFOLD_PROTOCOL_JSON_EXPLAIN_H_
