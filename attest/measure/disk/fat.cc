#include "attest/measure/disk/fat.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kEntrySize = 32;
constexpr uint8_t kEnd = 0x00;
constexpr uint8_t kDeleted = 0xe5;
constexpr uint8_t kAttributeVolume = 0x08;
constexpr uint8_t kAttributeFolder = 0x10;
constexpr uint8_t kAttributeLong = 0x0f;
constexpr uint8_t kLongFirst = 0x40;
constexpr size_t kLongPartsMax = 20;  // 255 characters, 13 a part
// By their number of clusters, and by nothing else, volumes are FAT12, FAT16 or FAT32.
constexpr uint32_t kFat16Clusters = 4085;
constexpr uint32_t kFat32Clusters = 65525;
constexpr size_t kFolderBytesMax = FatVolume::kFolderEntriesMax * kEntrySize;

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "fat_malformed",
                   .what = absl::StrCat("FAT file system, ", what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

// What a long name's part says of the short entry that it belongs to.
uint8_t ShortNameChecksum(ByteSpan name) {
  uint8_t sum = 0;
  for (const uint8_t c : name) sum = static_cast<uint8_t>(((sum & 1) << 7) + (sum >> 1) + c);
  return sum;
}

char Printable(unsigned c) { return c >= ' ' && c <= '~' ? static_cast<char>(c) : '?'; }

std::string ShortName(ByteSpan name) {
  std::string text;
  for (const uint8_t c : name) text += Printable(c);
  std::string base = text.substr(0, 8);
  std::string extension = text.substr(8);
  base.erase(base.find_last_not_of(' ') + 1);
  extension.erase(extension.find_last_not_of(' ') + 1);
  return extension.empty() ? base : absl::StrCat(base, ".", extension);
}

// Collects the parts of a long name, which come last first.
struct LongName {
  std::string text = {};
  uint8_t checksum = 0;
  uint8_t parts_left = 0;

  void Add(ByteSpan entry) {
    const uint8_t order = entry[0];
    if ((order & kLongFirst) != 0) {
      *this = {.checksum = entry[13], .parts_left = static_cast<uint8_t>(order & ~kLongFirst)};
    } else if (parts_left != order + 1 || checksum != entry[13]) {
      *this = {};
      return;
    } else {
      parts_left = order;
    }
    if (parts_left == 0 || parts_left > kLongPartsMax) {
      *this = {};
      return;
    }
    std::string part;
    bool ends = false;
    for (const size_t at : {1u, 3u, 5u, 7u, 9u, 14u, 16u, 18u, 20u, 22u, 24u, 28u, 30u}) {
      const unsigned c = entry[at] | entry[at + 1] << 8;
      ends = c == 0;
      if (ends) break;
      part += Printable(c);
    }
    text = ends ? part : part + text;
  }
  // The name, if all of its parts came and belong to this entry.
  bool Fits(ByteSpan short_name) const {
    return parts_left == 1 && checksum == ShortNameChecksum(short_name);
  }
};

}  // namespace

absl::StatusOr<FatVolume> FatVolume::Open(ByteSpan volume) {
  ByteReader reader(volume, ByteReader::Order::kLittleEndian);
  reader.Take(11);
  const uint64_t sector_bytes = reader.U16();
  const uint64_t cluster_sectors = reader.U8();
  const uint64_t reserved = reader.U16();
  const uint64_t tables = reader.U8();
  const uint64_t root_entries = reader.U16();
  uint64_t sectors = reader.U16();
  reader.U8();
  const uint64_t table_sectors_16 = reader.U16();
  reader.Take(8);
  const uint32_t sectors_32 = reader.U32();
  const uint32_t table_sectors_32 = reader.U32();
  reader.Take(4);
  FatVolume out;
  out.root_cluster_ = reader.U32();
  if (sectors == 0) sectors = sectors_32;
  const uint64_t table_sectors = table_sectors_16 == 0 ? table_sectors_32 : table_sectors_16;
  const bool sizes = (sector_bytes == 512 || sector_bytes == 1024 || sector_bytes == 2048 ||
                      sector_bytes == 4096) &&
                     cluster_sectors != 0 && (cluster_sectors & (cluster_sectors - 1)) == 0 &&
                     reserved != 0 && (tables == 1 || tables == 2) && table_sectors != 0;
  if (!reader.ok() || !sizes || sectors > volume.size() / sector_bytes) {
    return Malformed("boot sector", "one of a volume within the image", "another");
  }
  const uint64_t root_sectors = (root_entries * kEntrySize + sector_bytes - 1) / sector_bytes;
  const uint64_t data = reserved + tables * table_sectors + root_sectors;
  if (data >= sectors) return Malformed("boot sector", "room for data", "none");
  out.count_ = static_cast<uint32_t>((sectors - data) / cluster_sectors);
  out.fat32_ = out.count_ >= kFat32Clusters;
  const uint64_t entry_bytes = out.fat32_ ? 4 : 2;
  if (out.count_ < kFat16Clusters) return Malformed("type", "FAT16 or FAT32", "FAT12");
  // Firmware takes a volume for FAT32 by the first of these.
  if (out.fat32_ != (table_sectors_16 == 0) || out.fat32_ != (root_entries == 0) ||
      (uint64_t{out.count_} + 2) * entry_bytes > table_sectors * sector_bytes) {
    return Malformed("boot sector", "a table for every cluster", "another");
  }
  out.cluster_bytes_ = static_cast<size_t>(sector_bytes * cluster_sectors);
  out.table_ = volume.subspan(reserved * sector_bytes, table_sectors * sector_bytes);
  out.root_ =
      volume.subspan((reserved + tables * table_sectors) * sector_bytes, root_entries * kEntrySize);
  out.clusters_ = volume.subspan(data * sector_bytes, out.count_ * out.cluster_bytes_);
  return out;
}

absl::StatusOr<uint32_t> FatVolume::Next(uint32_t cluster) const {
  ByteReader reader(table_.subspan(size_t{cluster} * (fat32_ ? 4 : 2)),
                    ByteReader::Order::kLittleEndian);
  const uint32_t next = fat32_ ? reader.U32() & 0x0fffffff : reader.U16();
  const uint32_t end = fat32_ ? 0x0ffffff8 : 0xfff8;
  if (next >= end) return 0;
  if (next < 2 || next - 2 >= count_) {
    return Malformed("chain of clusters", "one within the volume", absl::StrCat("cluster ", next));
  }
  return next;
}

absl::StatusOr<Bytes> FatVolume::Chain(uint32_t first, size_t size_max) const {
  Bytes out;
  uint32_t cluster = first;
  while (cluster != 0) {
    // One that goes on may come back to itself.
    if (cluster < 2 || cluster - 2 >= count_ || out.size() >= size_max) {
      return Malformed("chain of clusters", "one that ends where its file does, within the volume",
                       "another");
    }
    Append(out, clusters_.subspan(size_t{cluster - 2} * cluster_bytes_,
                                  std::min(cluster_bytes_, size_max - out.size())));
    SEALFOLD_ASSIGN_OR_RETURN(cluster, Next(cluster));
  }
  return out;
}

absl::StatusOr<std::vector<FatEntry>> FatVolume::ListFolder(const FatEntry& folder) const {
  Bytes bytes;
  if (folder.first_cluster == 0 && !fat32_) {
    bytes = ToBytes(root_);
  } else {
    const uint32_t first = folder.first_cluster == 0 ? root_cluster_ : folder.first_cluster;
    SEALFOLD_ASSIGN_OR_RETURN(bytes, Chain(first, kFolderBytesMax));
  }
  std::vector<FatEntry> out;
  LongName long_name;
  for (size_t at = 0; at + kEntrySize <= bytes.size(); at += kEntrySize) {
    const ByteSpan entry = ByteSpan(bytes).subspan(at, kEntrySize);
    if (entry[0] == kEnd) break;
    if (entry[0] == kDeleted) {
      long_name = {};
      continue;
    }
    if ((entry[11] & 0x3f) == kAttributeLong) {
      long_name.Add(entry);
      continue;
    }
    const ByteSpan name = entry.first(11);
    ByteReader numbers(entry.subspan(20), ByteReader::Order::kLittleEndian);
    const uint32_t high = numbers.U16();
    numbers.Take(4);
    const uint32_t low = numbers.U16();
    FatEntry found{.name = long_name.Fits(name) ? long_name.text : ShortName(name),
                   .short_name = ShortName(name),
                   .folder = (entry[11] & kAttributeFolder) != 0,
                   .first_cluster = (fat32_ ? high << 16 : 0) | low,
                   .size_bytes = numbers.U32()};
    long_name = {};
    if ((entry[11] & kAttributeVolume) != 0 || found.name == "." || found.name == "..") continue;
    if (absl::StrContains(found.name, '/') || absl::StrContains(found.short_name, '/')) {
      return Malformed("name", "one without '/'", found.name);
    }
    out.push_back(std::move(found));
  }
  return out;
}

absl::StatusOr<FatEntry> FatVolume::Find(absl::string_view path) const {
  FatEntry at{.folder = true};
  for (absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    std::vector<FatEntry> entries;
    if (at.folder) {
      SEALFOLD_ASSIGN_OR_RETURN(entries, ListFolder(at));
    }
    const auto has_name = [name](const FatEntry& entry) {
      return absl::EqualsIgnoreCase(entry.name, name) ||
             absl::EqualsIgnoreCase(entry.short_name, name);
    };
    const auto found = std::find_if(entries.begin(), entries.end(), has_name);
    if (found == entries.end()) {
      return BadInput({.code = "fat_missing",
                       .what = absl::StrCat("EFI system partition, ", path),
                       .expected = "a file or folder of this name",
                       .found = "none"});
    }
    if (std::count_if(entries.begin(), entries.end(), has_name) > 1) {
      return Malformed(std::string(path), "one file or folder of this name", "several");
    }
    at = *found;
    if (at.folder && at.first_cluster < 2) {
      return Malformed("folder", "a cluster of its own", absl::StrCat(at.first_cluster));
    }
  }
  return at;
}

absl::StatusOr<std::vector<FatEntry>> FatVolume::List(absl::string_view path) const {
  SEALFOLD_ASSIGN_OR_RETURN(const FatEntry folder, Find(path));
  if (!folder.folder) return Malformed(std::string(path), "a folder", "a file");
  return ListFolder(folder);
}

absl::StatusOr<Bytes> FatVolume::Read(absl::string_view path) const {
  SEALFOLD_ASSIGN_OR_RETURN(const FatEntry file, Find(path));
  if (file.folder || file.size_bytes > kFileSizeMax) {
    return Malformed(std::string(path), absl::StrCat("a file of at most ", kFileSizeMax, " bytes"),
                     file.folder ? "a folder" : absl::StrCat(file.size_bytes, " bytes"));
  }
  SEALFOLD_ASSIGN_OR_RETURN(Bytes content, Chain(file.first_cluster, file.size_bytes));
  if (content.size() != file.size_bytes) {
    return Malformed(std::string(path), absl::StrCat(file.size_bytes, " bytes"),
                     absl::StrCat(content.size()));
  }
  return content;
}

}  // namespace sealfold
