#include "attest/measure/disk/boot_files.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/measure/disk/fat.h"
#include "attest/measure/disk/gpt.h"
#include "attest/measure/uki/pe.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr const char* kFirmwareStarts[] = {"/EFI/BOOT/BOOTX64.EFI", "/EFI/BOOT/BOOTAA64.EFI"};
constexpr char kImages[] = "/EFI/Linux";
constexpr char kEntries[] = "/loader/entries";

absl::Status Unclear(std::string expected, std::string found) {
  return BadInput({.code = "disk_boot",
                   .what = "disk image, what it boots",
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "measure the files themselves: `measure uki`, with --before"});
}

// What a boot loader may choose besides the images in the EFI system partition.
absl::Status CheckNothingElse(ByteSpan disk, const FatVolume& volume) {
  SEALFOLD_ASSIGN_OR_RETURN(const bool extended, HasExtendedBootLoaderPartition(disk));
  if (extended) return Unclear("a boot loader's images in one partition", "XBOOTLDR beside it");
  const absl::StatusOr<std::vector<FatEntry>> entries = volume.List(kEntries);
  if (!entries.ok()) {
    return ErrorCode(entries.status()) == "fat_missing" ? absl::OkStatus() : entries.status();
  }
  if (entries->empty()) return absl::OkStatus();
  return Unclear(absl::StrCat("no boot entries in ", kEntries),
                 absl::StrCat(entries->size(), " of them"));
}

}  // namespace

absl::StatusOr<BootFiles> FindBootFiles(ByteSpan disk) {
  SEALFOLD_ASSIGN_OR_RETURN(const ByteSpan partition, FindEfiSystemPartition(disk));
  SEALFOLD_ASSIGN_OR_RETURN(const FatVolume volume, FatVolume::Open(partition));
  std::vector<std::pair<std::string, Bytes>> started;
  for (const char* path : kFirmwareStarts) {
    absl::StatusOr<Bytes> content = volume.Read(path);
    if (content.ok()) {
      started.emplace_back(path, *std::move(content));
    } else if (ErrorCode(content.status()) != "fat_missing") {
      return content.status();
    }
  }
  if (started.size() != 1) {
    return Unclear("one of BOOTX64.EFI and BOOTAA64.EFI in /EFI/BOOT",
                   absl::StrCat(started.size(), " of them"));
  }
  auto& [path, content] = started.front();
  SEALFOLD_ASSIGN_OR_RETURN(const PeImage image, ParsePe(content));
  if (image.Find(".linux") != nullptr) return BootFiles{path, std::move(content), "", {}};

  SEALFOLD_RETURN_IF_ERROR(CheckNothingElse(disk, volume));
  std::vector<std::string> names;
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<FatEntry> entries, volume.List(kImages));
  for (const FatEntry& entry : entries) {
    if (!entry.folder && absl::EndsWithIgnoreCase(entry.name, ".efi")) names.push_back(entry.name);
  }
  if (names.size() != 1) {
    return Unclear(absl::StrCat("one unified kernel image in ", kImages),
                   absl::StrCat(names.size(), " of them"));
  }
  BootFiles out{.uki_path = absl::StrCat(kImages, "/", names.front()), .loader_path = path};
  SEALFOLD_ASSIGN_OR_RETURN(out.uki, volume.Read(out.uki_path));
  out.loader = std::move(content);
  return out;
}

}  // namespace sealfold
