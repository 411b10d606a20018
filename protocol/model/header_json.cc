#include "protocol/model/header_json.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sealfold {

std::string TensorMembersJson(absl::Span<const TensorSpec> tensors) {
  std::string json;
  uint64_t offset = 0;
  for (const TensorSpec& tensor : tensors) {
    if (offset != 0) json.push_back(',');
    const uint64_t end = offset + tensor.size_bytes();
    absl::StrAppend(&json, "\"", tensor.name, "\":{\"dtype\":\"", DtypeName(tensor.dtype),
                    "\",\"shape\":[", absl::StrJoin(tensor.shape, ","), "],\"data_offsets\":[",
                    offset, ",", end, "]}");
    offset = end;
  }
  return json;
}

Bytes FrameHeader(std::string json) {
  json.resize((json.size() + 7) / 8 * 8, ' ');
  Bytes out;
  out.reserve(8 + json.size());
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<uint8_t>(uint64_t{json.size()} >> (8 * i)));
  Append(out, AsBytes(json));
  return out;
}

}  // namespace sealfold
