#include "examples/hospitals/learn/model_file.h"

#include <array>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian");

constexpr size_t kFileBytesMax = 1 << 20;

// In the order of Parameters.
std::array<TensorSpec, 2> Tensors() {
  return {TensorSpec{.name = "weight", .dtype = Dtype::kF32, .shape = {1, kMeasures}},
          TensorSpec{.name = "bias", .dtype = Dtype::kF32, .shape = {1}}};
}

std::string Described(const TensorSpec& tensor) {
  return absl::StrCat(tensor.name, " ", DtypeName(tensor.dtype), " [",
                      absl::StrJoin(tensor.shape, ","), "]");
}

absl::Status TensorsWrong(const std::string& path, const SafetensorsHeader& header) {
  std::vector<std::string> expected;
  for (const TensorSpec& tensor : Tensors()) {
    expected.push_back(Described(tensor));
  }
  std::vector<std::string> found;
  for (const SafetensorsHeader::Entry& entry : header.entries) {
    found.push_back(Described(entry.spec));
  }
  return BadInput({.code = "model_tensors_wrong",
                   .what = path,
                   .expected = absl::StrJoin(expected, ", "),
                   .found = absl::StrJoin(found, ", "),
                   .advice = "hospitals-split writes a model to start from: initial.safetensors"});
}

}  // namespace

absl::StatusOr<StoredParameters> ReadModel(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string file, ReadFile(path, kFileBytesMax));
  const absl::StatusOr<SafetensorsHeader> header =
      SafetensorsHeader::Parse(AsBytes(file), file.size());
  if (!header.ok()) return About(path, header.status());
  const std::array<TensorSpec, 2> tensors = Tensors();
  if (header->entries.size() != tensors.size()) {
    return TensorsWrong(path, *header);
  }
  StoredParameters model;
  Eigen::Index next = 0;
  for (const TensorSpec& tensor : tensors) {
    const SafetensorsHeader::Entry* entry = header->Find(tensor.name);
    if (entry == nullptr || entry->spec != tensor) {
      return TensorsWrong(path, *header);
    }
    std::memcpy(model.data() + next, file.data() + entry->offset_bytes, tensor.size_bytes());
    next += static_cast<Eigen::Index>(tensor.elements());
  }
  if (!model.allFinite()) {
    return BadInput({.code = "model_not_finite",
                     .what = path,
                     .expected = "finite numbers only",
                     .found = "a NaN or an infinity"});
  }
  return model;
}

absl::Status WriteModel(const std::string& path, const StoredParameters& model,
                        const std::map<std::string, std::string>& metadata) {
  Bytes file = SafetensorsHeaderBytes(Tensors(), metadata);
  std::array<uint8_t, sizeof(float) * kParameters> elements;
  std::memcpy(elements.data(), model.data(), elements.size());
  Append(file, elements);
  return WriteFileAtomic(path, AsText(file));
}

}  // namespace sealfold::hospitals
