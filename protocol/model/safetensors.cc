#include "protocol/model/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/model/header_json.h"
#include "protocol/model/header_reader.h"

namespace sealfold {
namespace {

constexpr uint64_t kLengthFieldBytes = 8;

absl::Status Truncated(uint64_t needed, uint64_t there) {
  return BadInput({.code = "safetensors_truncated",
                   .what = "safetensors file",
                   .expected = absl::StrCat("at least ", needed, " bytes of length and header"),
                   .found = absl::StrCat(there, " bytes"),
                   .advice = "check that the file is complete, and a safetensors file"});
}

// The tensors' data must tile exactly what follows the header. `tensors` is sorted by `begin`.
absl::Status CheckOffsets(absl::Span<const HeaderContent::Tensor> tensors, uint64_t data_bytes) {
  uint64_t end = 0;
  for (const HeaderContent::Tensor& tensor : tensors) {
    if (tensor.begin != end || tensor.end < tensor.begin ||
        tensor.end - tensor.begin != tensor.spec.size_bytes()) {
      return BadInput({.code = "safetensors_offsets",
                       .what = absl::StrCat("data_offsets of tensor ", tensor.spec.name),
                       .expected = absl::StrCat("[", end, ",", end + tensor.spec.size_bytes(),
                                                "], without gap or overlap, by its shape"),
                       .found = absl::StrCat("[", tensor.begin, ",", tensor.end, "]")});
    }
    end = tensor.end;
  }
  if (end != data_bytes) {
    return BadInput({.code = "safetensors_size",
                     .what = "data of a safetensors file",
                     .expected = absl::StrCat(end, " bytes, by its header"),
                     .found = absl::StrCat(data_bytes, " bytes"),
                     .advice = "check that the file is complete"});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SafetensorsHeader> SafetensorsHeader::Parse(ByteSpan file,
                                                           uint64_t file_size_bytes) {
  SEALFOLD_CHECK(file.size() <= file_size_bytes);
  if (file.size() < kLengthFieldBytes) return Truncated(kLengthFieldBytes, file.size());
  uint64_t json_bytes = 0;
  for (uint64_t i = 0; i < kLengthFieldBytes; ++i) json_bytes |= uint64_t{file[i]} << (8 * i);
  if (json_bytes > kSafetensorsHeaderBytesMax) {
    return BadInput(
        {.code = "safetensors_header_too_long",
         .what = "safetensors file",
         .expected = absl::StrCat("a header of at most ", kSafetensorsHeaderBytesMax, " bytes"),
         .found = absl::StrCat("a header of ", json_bytes, " bytes"),
         .advice = "check that this is a safetensors file"});
  }
  SafetensorsHeader header;
  header.size_bytes = kLengthFieldBytes + json_bytes;
  if (file.size() < header.size_bytes) return Truncated(header.size_bytes, file.size());

  SEALFOLD_ASSIGN_OR_RETURN(HeaderContent content,
                            ReadHeaderJson(AsText(file.subspan(kLengthFieldBytes, json_bytes))));
  std::stable_sort(content.tensors.begin(), content.tensors.end(),
                   [](const auto& a, const auto& b) { return a.begin < b.begin; });
  std::vector<TensorSpec> specs;
  specs.reserve(content.tensors.size());
  for (const HeaderContent::Tensor& tensor : content.tensors) specs.push_back(tensor.spec);
  SEALFOLD_RETURN_IF_ERROR(CheckTensors(specs));
  SEALFOLD_RETURN_IF_ERROR(CheckOffsets(content.tensors, file_size_bytes - header.size_bytes));
  for (HeaderContent::Tensor& tensor : content.tensors) {
    header.entries.push_back(
        {.spec = std::move(tensor.spec), .offset_bytes = header.size_bytes + tensor.begin});
  }
  header.metadata = std::move(content.metadata);
  return header;
}

const SafetensorsHeader::Entry* SafetensorsHeader::Find(absl::string_view name) const {
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& e) { return e.spec.name == name; });
  return entry == entries.end() ? nullptr : &*entry;
}

Bytes SafetensorsHeaderBytes(absl::Span<const TensorSpec> tensors,
                             const std::map<std::string, std::string>& metadata) {
  std::string json = "{";
  if (!metadata.empty()) {
    absl::StrAppend(&json, "\"__metadata__\":", JsonText(nlohmann::json(metadata)), ",");
  }
  return FrameHeader(absl::StrCat(json, TensorMembersJson(tensors), "}"));
}

}  // namespace sealfold
