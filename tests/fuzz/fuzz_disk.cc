// Raw disk images: what a FAT volume lists can be read or is refused, and what is found to boot is
// there, within bounds and in finite time.
//
// An image is mostly empty: the input is what is not, pieces of a block's number and length (16
// bits each, little-endian) and its bytes. It is laid over an empty disk, of a size that its first
// bit chooses, and the partition table's checksums are put right, so that chance gets past them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/measure/crc32.h"
#include "attest/measure/disk/boot_files.h"
#include "attest/measure/disk/fat.h"
#include "attest/measure/disk/gpt.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kBlock = 512;
constexpr size_t kFat16Bytes = 4u << 20;
constexpr size_t kFat32Bytes = 36u << 20;

uint64_t Number(ByteSpan disk, size_t at, size_t size) {
  uint64_t out = 0;
  for (size_t i = size; i > 0; --i) out = out << 8 | disk[at + i - 1];
  return out;
}

// An empty disk that is written to, and emptied again when its user is done.
class Disk {
 public:
  void Write(size_t at, ByteSpan bytes) {
    if (at >= bytes_.size()) return;
    const ByteSpan fits = bytes.first(std::min(bytes.size(), bytes_.size() - at));
    std::copy(fits.begin(), fits.end(), bytes_.begin() + static_cast<ptrdiff_t>(at));
    written_.emplace_back(at, fits.size());
  }
  void Write32(size_t at, uint32_t value) {
    const uint8_t bytes[] = {static_cast<uint8_t>(value), static_cast<uint8_t>(value >> 8),
                             static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 24)};
    Write(at, bytes);
  }
  void MakeChecksumsHold(size_t size) {
    const ByteSpan disk = span(size);
    const uint64_t table = Number(disk, kBlock + 72, 8);
    const uint64_t entries = Number(disk, kBlock + 80, 4) * Number(disk, kBlock + 84, 4);
    if (table < size / kBlock && entries <= size - table * kBlock) {
      Write32(kBlock + 88, Crc32({disk.subspan(table * kBlock, entries)}));
    }
    const uint64_t header = Number(disk, kBlock + 12, 4);
    if (header > kBlock) return;
    Write32(kBlock + 16, 0);
    Write32(kBlock + 16, Crc32({disk.subspan(kBlock, header)}));
  }
  void Empty() {
    for (const auto& [at, size] : written_) {
      std::fill_n(bytes_.begin() + static_cast<ptrdiff_t>(at), size, 0);
    }
    written_.clear();
  }
  ByteSpan span(size_t size) const { return ByteSpan(bytes_).first(size); }

 private:
  Bytes bytes_ = Bytes(kFat32Bytes);
  std::vector<std::pair<size_t, size_t>> written_;
};

void ReadFolder(const FatVolume& fat, const std::string& path) {
  const auto entries = fat.List(path);
  if (!entries.ok()) return;
  SEALFOLD_CHECK(entries->size() <= FatVolume::kFolderEntriesMax);
  for (const FatEntry& entry : *entries) {
    if (entry.folder || entry.size_bytes > 1u << 20) continue;
    const absl::StatusOr<Bytes> content = fat.Read(absl::StrCat(path, "/", entry.name));
    SEALFOLD_CHECK(content.ok() || !ErrorCode(content.status()).empty());
  }
}

void LookAt(ByteSpan disk) {
  const absl::StatusOr<ByteSpan> partition = FindEfiSystemPartition(disk);
  const absl::StatusOr<BootFiles> files = FindBootFiles(disk);
  if (!partition.ok()) {
    SEALFOLD_CHECK(ErrorCode(partition.status()) == "disk_table");
    SEALFOLD_CHECK(ErrorCode(files.status()) == "disk_table");
    return;
  }
  SEALFOLD_CHECK(partition->data() >= disk.data() &&
                 partition->data() + partition->size() <= disk.data() + disk.size());
  const absl::StatusOr<FatVolume> fat = FatVolume::Open(*partition);
  if (!fat.ok()) {
    SEALFOLD_CHECK(ErrorCode(fat.status()) == "fat_malformed" && !files.ok());
    return;
  }
  for (const char* path : {"/", "/EFI", "/EFI/BOOT", "/EFI/Linux"}) ReadFolder(*fat, path);
  if (!files.ok()) return;
  SEALFOLD_CHECK(!files->uki.empty() && files->loader.has_value() != files->loader_path.empty());
  const absl::StatusOr<Bytes> uki = fat->Read(files->uki_path);
  SEALFOLD_CHECK(uki.ok() && *uki == files->uki);
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  static Disk disk;
  if (size == 0) return 0;
  const size_t disk_bytes = (data[0] & 1) == 0 ? kFat16Bytes : kFat32Bytes;
  ByteSpan rest(data + 1, size - 1);
  while (rest.size() > 4) {
    const size_t block = Number(rest, 0, 2);
    const size_t length = std::min(Number(rest, 2, 2), rest.size() - 4);
    disk.Write(block * kBlock, rest.subspan(4, length));
    rest = rest.subspan(4 + length);
  }
  disk.MakeChecksumsHold(disk_bytes);
  LookAt(disk.span(disk_bytes));
  disk.Empty();
  return 0;
}
