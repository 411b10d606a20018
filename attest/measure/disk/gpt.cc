#include "attest/measure/disk/gpt.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/measure/crc32.h"
#include "protocol/base/byte_reader.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kHeaderSizeMin = 92;
constexpr uint32_t kRevision = 0x00010000;
constexpr size_t kGuidSize = 16;
constexpr size_t kEntrySizeMin = 128;
constexpr uint32_t kEntriesMax = 1024;
constexpr size_t kHeaderCrcOffset = 16;
// c12a7328-f81f-11d2-ba4b-00a0c93ec93b, as it stands in memory.
constexpr uint8_t kEfiSystem[kGuidSize] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                           0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
// bc13c2ff-59e6-4262-a352-b275fd6f7172
constexpr uint8_t kExtendedBootLoader[kGuidSize] = {0xff, 0xc2, 0x13, 0xbc, 0xe6, 0x59, 0x62, 0x42,
                                                    0xa3, 0x52, 0xb2, 0x75, 0xfd, 0x6f, 0x71, 0x72};

absl::Status Malformed(std::string expected, std::string found) {
  return BadInput({.code = "disk_table",
                   .what = "disk image's partition table",
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "give a raw disk image with a GUID partition table"});
}

// `size` bytes from block `block` on; empty where they are not in the disk.
ByteSpan Blocks(ByteSpan disk, uint64_t block, uint64_t size) {
  if (block > disk.size() / kBlock || size > disk.size() - block * kBlock) return {};
  return disk.subspan(block * kBlock, size);
}

// The header with its own checksum zero has it.
bool HeaderCrcHolds(ByteSpan header, uint32_t crc) {
  Bytes copy = ToBytes(header);
  for (size_t i = 0; i < 4; ++i) copy[kHeaderCrcOffset + i] = 0;
  return Crc32({copy}) == crc;
}

// The table's entries, each in a span of its own.
absl::StatusOr<std::vector<ByteSpan>> ReadEntries(ByteSpan disk) {
  const ByteSpan block = Blocks(disk, 1, kBlock);
  ByteReader header(block, ByteReader::Order::kLittleEndian);
  if (AsText(header.Take(8)) != "EFI PART") return Malformed("\"EFI PART\" in block 1", "none");
  const uint32_t revision = header.U32();
  const uint32_t header_size = header.U32();
  const uint32_t header_crc = header.U32();
  header.U32();  // reserved
  const uint64_t own_block = header.U64();
  header.Take(24 + kGuidSize);  // the other header, usable blocks, the disk's GUID
  const uint64_t entries_block = header.U64();
  const uint32_t entries = header.U32();
  const uint32_t entry_size = header.U32();
  const uint32_t entries_crc = header.U32();
  if (!header.ok() || revision != kRevision || own_block != 1 || header_size < kHeaderSizeMin ||
      header_size > kBlock || !HeaderCrcHolds(block.first(header_size), header_crc)) {
    return Malformed("a header of revision 1.0 with its checksum", "another");
  }
  if (entries == 0 || entries > kEntriesMax || entry_size < kEntrySizeMin || entry_size > kBlock) {
    return Malformed(absl::StrCat("at most ", kEntriesMax, " entries"), absl::StrCat(entries));
  }
  const ByteSpan table = Blocks(disk, entries_block, uint64_t{entries} * entry_size);
  if (table.empty() || Crc32({table}) != entries_crc) {
    return Malformed("entries with their checksum", "others");
  }
  std::vector<ByteSpan> out;
  for (uint32_t i = 0; i < entries; ++i) {
    out.push_back(table.subspan(size_t{i} * entry_size, entry_size));
  }
  return out;
}

}  // namespace

absl::StatusOr<ByteSpan> FindEfiSystemPartition(ByteSpan disk) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, ReadEntries(disk));
  std::optional<ByteSpan> found;
  for (const ByteSpan bytes : entries) {
    ByteReader entry(bytes, ByteReader::Order::kLittleEndian);
    if (entry.Take(kGuidSize) != ByteSpan(kEfiSystem)) continue;
    entry.Take(kGuidSize);
    const uint64_t first = entry.U64();
    const uint64_t last = entry.U64();
    if (found.has_value()) return Malformed("one EFI system partition", "several");
    if (first > last || last >= disk.size() / kBlock) {
      return Malformed("an EFI system partition within the image", "one beyond");
    }
    found = Blocks(disk, first, (last - first + 1) * kBlock);
  }
  if (!found.has_value()) return Malformed("an EFI system partition", "none");
  return *found;
}

absl::StatusOr<bool> HasExtendedBootLoaderPartition(ByteSpan disk) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<ByteSpan> entries, ReadEntries(disk));
  return std::any_of(entries.begin(), entries.end(), [](ByteSpan entry) {
    return entry.first(kGuidSize) == ByteSpan(kExtendedBootLoader);
  });
}

}  // namespace sealfold
