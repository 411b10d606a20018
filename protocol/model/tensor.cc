#include "protocol/model/tensor.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "protocol/base/error.h"
#include "protocol/model/block_layout.h"
#include "protocol/model/header_json.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

constexpr const char* kDtypeNames[] = {"F32", "F16", "BF16"};
constexpr uint64_t kPayloadAlignBytes = 64;

uint64_t RoundUp(uint64_t value, uint64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

absl::Status CheckName(absl::string_view name) {
  if (!name.empty() && name.size() <= kTensorNameBytesMax && IsUtf8(name) &&
      !HasControlCharacter(name) && name.find('"') == name.npos && name.find('\\') == name.npos &&
      name != "__metadata__") {
    return absl::OkStatus();
  }
  return BadInput({.code = "tensor_name_invalid",
                   .what = "name of a tensor",
                   .expected =
                       "1 to 256 bytes of UTF-8 without control characters, '\"' and '\\', other "
                       "than __metadata__",
                   .found = absl::StrCat(name.size(), " bytes, in hexadecimal ",
                                         HexEncode(AsBytes(name.substr(0, 64))))});
}

// The size in bytes of one tensor, or the error that it has none within the bounds.
absl::StatusOr<uint64_t> CheckedSizeBytes(const TensorSpec& tensor) {
  if (tensor.shape.size() > kTensorDimensionsMax) {
    return BadInput({.code = "tensor_dimensions_too_many",
                     .what = absl::StrCat("shape of tensor ", tensor.name),
                     .expected = absl::StrCat("at most ", kTensorDimensionsMax, " dimensions"),
                     .found = absl::StrCat(tensor.shape.size())});
  }
  uint64_t size = DtypeSizeBytes(tensor.dtype);
  for (const uint64_t dimension : tensor.shape) {
    if (dimension == 0) {
      return BadInput({.code = "tensor_empty",
                       .what = absl::StrCat("shape of tensor ", tensor.name),
                       .expected = "dimensions of at least 1",
                       .found = absl::StrCat("[", absl::StrJoin(tensor.shape, ","), "]"),
                       .advice = "leave tensors without elements out"});
    }
    if (dimension > kModelBytesMax / size) {
      return BadInput({.code = "tensor_too_large",
                       .what = absl::StrCat("shape of tensor ", tensor.name),
                       .expected = absl::StrCat("at most ", kModelBytesMax, " bytes"),
                       .found = absl::StrCat("[", absl::StrJoin(tensor.shape, ","), "]")});
    }
    size *= dimension;
  }
  return size;
}

}  // namespace

size_t DtypeSizeBytes(Dtype dtype) { return dtype == Dtype::kF32 ? 4 : 2; }

absl::Span<const char* const> CborEnumNames(Dtype) { return kDtypeNames; }

const char* DtypeName(Dtype dtype) { return kDtypeNames[static_cast<size_t>(dtype)]; }

uint64_t TensorSpec::elements() const {
  uint64_t count = 1;
  for (const uint64_t dimension : shape) count *= dimension;
  return count;
}

uint64_t TensorSpec::size_bytes() const { return elements() * DtypeSizeBytes(dtype); }

absl::Status CheckTensors(absl::Span<const TensorSpec> tensors) {
  if (tensors.empty() || tensors.size() > kTensorsMax) {
    return BadInput({.code = "tensors_count",
                     .what = "list of tensors",
                     .expected = absl::StrCat("1 to ", kTensorsMax, " tensors"),
                     .found = absl::StrCat(tensors.size())});
  }
  std::set<absl::string_view> names;
  uint64_t total = 0;
  for (const TensorSpec& tensor : tensors) {
    SEALFOLD_RETURN_IF_ERROR(CheckName(tensor.name));
    if (!names.insert(tensor.name).second) {
      return BadInput({.code = "tensor_name_doubled",
                       .what = "list of tensors",
                       .expected = "every name once",
                       .found = absl::StrCat(tensor.name, " twice")});
    }
    SEALFOLD_ASSIGN_OR_RETURN(const uint64_t size, CheckedSizeBytes(tensor));
    total += size;
    if (total > kModelBytesMax) {
      return BadInput({.code = "tensors_too_large",
                       .what = "list of tensors",
                       .expected = absl::StrCat("at most ", kModelBytesMax, " bytes in all"),
                       .found = absl::StrCat("more, at tensor ", tensor.name)});
    }
  }
  return absl::OkStatus();
}

PayloadLayout PayloadLayout::Of(absl::Span<const TensorSpec> tensors) {
  return Of(tensors, std::nullopt, 0);
}

PayloadLayout PayloadLayout::Of(absl::Span<const TensorSpec> tensors,
                                const std::optional<UpdateEncoding>& encoding,
                                uint64_t chunk_bytes) {
  PayloadLayout layout;
  layout.encoding = encoding;
  if (encoding.has_value()) layout.chunk_bytes = chunk_bytes;
  layout.parts.reserve(tensors.size());
  for (const TensorSpec& tensor : tensors) {
    const uint64_t offset = RoundUp(layout.size_bytes, kPayloadAlignBytes);
    const uint64_t first = RoundUp(layout.sum_elements, kPayloadAlignBytes / sizeof(int64_t));
    layout.parts.push_back({.dtype = tensor.dtype,
                            .offset_bytes = offset,
                            .elements = tensor.elements(),
                            .element_first = first});
    layout.size_bytes = encoding.has_value() ? BlocksEndBytes(*encoding, chunk_bytes, tensor.dtype,
                                                              offset, tensor.elements())
                                             : offset + tensor.size_bytes();
    layout.sum_elements = first + tensor.elements();
  }
  return layout;
}

Bytes ModelFileHeader(absl::Span<const TensorSpec> tensors) {
  return FrameHeader(absl::StrCat("{", TensorMembersJson(tensors), "}"));
}

uint64_t ModelFileSizeBytes(absl::Span<const TensorSpec> tensors) {
  uint64_t size = ModelFileHeader(tensors).size();
  for (const TensorSpec& tensor : tensors) size += tensor.size_bytes();
  return size;
}

}  // namespace sealfold
