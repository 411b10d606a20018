// Files of a FAT file system (Microsoft's FAT specification; UEFI, 13.3), read only.
#ifndef SEALFOLD_ATTEST_MEASURE_DISK_FAT_H_
#define SEALFOLD_ATTEST_MEASURE_DISK_FAT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct FatEntry {
  std::string name = {};        // as people see it: the long name where there is one
  std::string short_name = {};  // that of DOS, by which firmware finds the file too
  bool folder = false;
  uint32_t first_cluster = 0;
  uint32_t size_bytes = 0;  // of a file
};

// A view into a volume, which must outlive it. FAT16 or FAT32.
class FatVolume {
 public:
  // InvalidArgument, code "fat_malformed", here and below: for what is no such volume, a chain of
  // clusters that leaves it, comes back to itself or ends early, a name that is none, or that
  // several have.
  static absl::StatusOr<FatVolume> Open(ByteSpan volume);
  // Of a folder by its path, e.g. "/EFI/BOOT"; as firmware does, long names and short ones are
  // compared, without regard to case. InvalidArgument, "fat_missing", where there is none.
  absl::StatusOr<std::vector<FatEntry>> List(absl::string_view path) const;
  // A file's content. At most kFileSizeMax.
  absl::StatusOr<Bytes> Read(absl::string_view path) const;

  static constexpr size_t kFileSizeMax = size_t{1} << 30;
  static constexpr size_t kFolderEntriesMax = 1u << 14;

 private:
  FatVolume() = default;
  // The clusters' bytes from `first` on; refused where they go on after `size_max`.
  absl::StatusOr<Bytes> Chain(uint32_t first, size_t size_max) const;
  absl::StatusOr<uint32_t> Next(uint32_t cluster) const;
  absl::StatusOr<FatEntry> Find(absl::string_view path) const;
  absl::StatusOr<std::vector<FatEntry>> ListFolder(const FatEntry& folder) const;

  bool fat32_ = false;
  ByteSpan table_;
  ByteSpan root_;      // of FAT16
  ByteSpan clusters_;  // from cluster 2 on
  size_t cluster_bytes_ = 0;
  uint32_t root_cluster_ = 0;  // of FAT32
  uint32_t count_ = 0;         // of clusters
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_DISK_FAT_H_
