#include "participant-client/update/update_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "participant-client/update/element_check.h"
#include "protocol/base/error.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

// After how many bytes read the mapping's pages are let go.
constexpr uint64_t kReadBytesKept = 4 << 20;

std::string ShapeText(const TensorSpec& spec) {
  return absl::StrCat(DtypeName(spec.dtype), " [", absl::StrJoin(spec.shape, ", "), "]");
}

absl::Status BadTensor(absl::string_view code, absl::string_view name, std::string expected,
                       std::string found) {
  return BadInput(
      {.code = std::string(code),
       .what = absl::StrCat("update: tensor '", name, "'"),
       .expected = std::move(expected),
       .found = std::move(found),
       .advice = "an update has exactly the plan's tensors; see `inspect` of the plan"});
}

absl::Status CompareTensors(const SafetensorsHeader& header, const Plan& plan) {
  for (const TensorSpec& spec : plan.tensors) {
    const SafetensorsHeader::Entry* entry = header.Find(spec.name);
    if (entry == nullptr) {
      return BadTensor("update_tensor_missing", spec.name, ShapeText(spec), "no such tensor");
    }
    if (entry->spec != spec) {
      return BadTensor("update_tensor_shape", spec.name, ShapeText(spec), ShapeText(entry->spec));
    }
  }
  if (header.entries.size() == plan.tensors.size()) return absl::OkStatus();
  for (const SafetensorsHeader::Entry& entry : header.entries) {
    bool known = std::any_of(plan.tensors.begin(), plan.tensors.end(),
                             [&](const TensorSpec& spec) { return spec.name == entry.spec.name; });
    if (!known) {
      return BadTensor("update_tensor_unknown", entry.spec.name, "only the plan's tensors",
                       ShapeText(entry.spec));
    }
  }
  return absl::OkStatus();
}

uint64_t ModifiedNs(const struct stat& info) {
  return static_cast<uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(info.st_mtim.tv_nsec);
}

absl::StatusOr<UpdateIdentity> IdentityOf(const std::string& path, struct stat& info) {
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error || stat(path.c_str(), &info) != 0) {
    return BadInput({.code = "file_unreadable",
                     .what = absl::StrCat("file ", path),
                     .found = std::strerror(error ? error.value() : errno)});
  }
  // A path is any bytes, and what is remembered must be text.
  std::string text = absolute.lexically_normal().string();
  if (!IsUtf8(text)) text = absl::CHexEscape(text);
  return UpdateIdentity{.path = std::move(text),
                        .size_bytes = static_cast<uint64_t>(info.st_size),
                        .modified_ns = ModifiedNs(info),
                        .weight = {}};
}

absl::Status ElementError(const TensorSpec& spec, uint64_t index, ElementFault fault,
                          double range) {
  const bool out_of_range = fault == ElementFault::kOutOfRange;
  return BadInput(
      {.code = out_of_range ? "update_out_of_range" : "update_not_finite",
       .what = absl::StrCat("update: tensor '", spec.name, "', element ", index),
       .expected = absl::StrCat("a number within [-", range, ", ", range, "], the plan's range"),
       .found = out_of_range                  ? "a number outside"
                : fault == ElementFault::kNan ? "NaN"
                                              : "infinity",
       .advice = out_of_range ? "clip or scale the update, or agree on a plan with a wider range"
                              : "training diverged; nothing of it should be sent"});
}

}  // namespace

UpdateFile::UpdateFile(MappedFile file, const Plan& plan)
    : file_(std::move(file)),
      layout_(PayloadLayout::Of(plan.tensors)),
      tensors_(plan.tensors),
      range_(plan.range),
      weight_max_(plan.weight_max.value()) {}

absl::StatusOr<UpdateFile> UpdateFile::Open(const std::string& path, const Plan& plan) {
  // The identity is taken first: what changes later then differs from it.
  struct stat info = {};
  SEALFOLD_ASSIGN_OR_RETURN(UpdateIdentity identity, IdentityOf(path, info));
  SEALFOLD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  UpdateFile update(std::move(file), plan);
  update.identity_ = std::move(identity);
  update.path_ = path;
  update.device_ = info.st_dev;
  update.inode_ = info.st_ino;
  ByteSpan bytes = update.file_.span();
  absl::StatusOr<SafetensorsHeader> header = SafetensorsHeader::Parse(bytes, bytes.size());
  if (!header.ok()) return About(path, header.status());
  update.header_ = *std::move(header);
  SEALFOLD_RETURN_IF_ERROR(CompareTensors(update.header_, plan));
  for (const TensorSpec& spec : plan.tensors) {
    update.tensors_offsets_.push_back(update.header_.Find(spec.name)->offset_bytes);
  }
  return update;
}

absl::Status UpdateFile::CheckUnchanged() const {
  struct stat info = {};
  if (stat(path_.c_str(), &info) != 0 || info.st_dev != device_ || info.st_ino != inode_) {
    return absl::OkStatus();
  }
  if (static_cast<uint64_t>(info.st_size) == identity_.size_bytes &&
      ModifiedNs(info) == identity_.modified_ns) {
    return absl::OkStatus();
  }
  return Refused({.code = "offer_update_changed",
                  .what = absl::StrCat("update ", path_),
                  .expected = "the file as it was when it was checked",
                  .found = "one that was written to since",
                  .advice = "every attempt of a round sends the same update; write another one to "
                            "a file of its own"});
}

absl::Status UpdateFile::CheckValues() const {
  for (size_t t = 0; t < tensors_.size(); ++t) {
    const TensorSpec& spec = tensors_[t];
    const uint64_t size = spec.size_bytes();
    for (uint64_t done = 0; done < size; done += kReadBytesKept) {
      const uint64_t part = std::min(kReadBytesKept, size - done);
      file_.Prefetch(tensors_offsets_[t] + done, part);
      ByteSpan elements = file_.span().subspan(tensors_offsets_[t] + done, part);
      auto finding = FindElementFault(spec.dtype, elements, range_);
      if (finding.has_value()) {
        const uint64_t index = done / DtypeSizeBytes(spec.dtype) + finding->index;
        return ElementError(spec, index, finding->fault, range_);
      }
      file_.DropBefore(tensors_offsets_[t] + done + part);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Weight> UpdateFile::ChooseWeight(std::optional<uint64_t> given) const {
  std::string what = "weight of the update (--weight)";
  if (!given.has_value()) {
    what = "weight of the update ('num_examples' of the file's __metadata__)";
    auto found = header_.metadata.find("num_examples");
    uint64_t parsed = 0;
    if (found == header_.metadata.end() || !absl::SimpleAtoi(found->second, &parsed)) {
      return BadInput({.code = "update_weight_missing",
                       .what = what,
                       .expected = "a whole number",
                       .found = found == header_.metadata.end() ? "none" : "other text",
                       .advice = "give --weight, or let the trainer write num_examples"});
    }
    given = parsed;
  }
  if (*given < 1 || *given > weight_max_) {
    return BadInput({.code = "update_weight_range",
                     .what = what,
                     .expected = absl::StrCat("1 to the plan's weight_max, ", weight_max_),
                     .found = absl::StrCat(*given)});
  }
  return Weight(*given);
}

UpdateIdentity UpdateFile::Identity(Weight weight) const {
  UpdateIdentity identity = identity_;
  identity.weight = weight;
  return identity;
}

ByteSpan UpdateFile::Read(uint64_t offset, MutableByteSpan room) {
  SEALFOLD_CHECK(offset + room.size() <= layout_.size_bytes);
  NoteRead(room.size());
  // The last part that starts at or before `offset`, then on until `room` is full.
  auto part = std::upper_bound(
      layout_.parts.begin(), layout_.parts.end(), offset,
      [](uint64_t value, const PayloadLayout::Part& p) { return value < p.offset_bytes; });
  SEALFOLD_CHECK(part != layout_.parts.begin());
  const uint64_t end = offset + room.size();
  uint64_t filled = 0;
  for (--part; part != layout_.parts.end() && part->offset_bytes < end; ++part) {
    const auto t = static_cast<size_t>(part - layout_.parts.begin());
    const uint64_t first = std::max(offset, part->offset_bytes);
    const uint64_t last = std::min(end, part->offset_bytes + tensors_[t].size_bytes());
    if (first >= last) continue;  // only padding of this part is asked for
    const ByteSpan bytes =
        file_.span().subspan(tensors_offsets_[t] + (first - part->offset_bytes), last - first);
    if (bytes.size() == room.size()) return bytes;
    std::fill(room.begin() + static_cast<ptrdiff_t>(filled),
              room.begin() + static_cast<ptrdiff_t>(first - offset), uint8_t{0});
    filled = last - offset;
    std::copy(bytes.begin(), bytes.end(), room.begin() + static_cast<ptrdiff_t>(first - offset));
  }
  std::fill(room.begin() + static_cast<ptrdiff_t>(filled), room.end(), uint8_t{0});
  return room;
}

ByteSpan UpdateFile::Elements(size_t tensor, uint64_t first, uint64_t count) const {
  const TensorSpec& spec = tensors_[tensor];
  SEALFOLD_CHECK(first <= spec.elements() && count <= spec.elements() - first);
  const uint64_t size = DtypeSizeBytes(spec.dtype);
  return file_.span().subspan(tensors_offsets_[tensor] + first * size, count * size);
}

void UpdateFile::NoteRead(uint64_t size_bytes) {
  read_bytes_ += size_bytes;
  if (read_bytes_ >= kReadBytesKept) {
    read_bytes_ = 0;
    file_.DropBefore(file_.span().size());
  }
}

}  // namespace sealfold
