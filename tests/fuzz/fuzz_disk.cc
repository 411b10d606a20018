// FAT volumes: what is listed can be read or is refused, within bounds and in finite time. The
// input is laid over the beginning of an empty volume, so that it need not be large.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "attest/measure/disk/boot_files.h"
#include "attest/measure/disk/fat.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  Bytes volume(std::max<size_t>(size, 4u << 20));
  std::copy(data, data + size, volume.begin());
  const absl::StatusOr<FatVolume> fat = FatVolume::Open(volume);
  if (fat.ok()) {
    if (const auto root = fat->List("/"); root.ok()) {
      SEALFOLD_CHECK(root->size() <= FatVolume::kFolderEntriesMax);
      for (const FatEntry& entry : *root) {
        if (entry.folder || entry.size_bytes > 1u << 20) continue;
        const absl::StatusOr<Bytes> content = fat->Read(absl::StrCat("/", entry.name));
        SEALFOLD_CHECK(content.ok() || !ErrorCode(content.status()).empty());
      }
    }
  } else {
    SEALFOLD_CHECK(ErrorCode(fat.status()) == "fat_malformed");
  }
  if (const auto files = FindBootFiles(ByteSpan(data, size)); files.ok()) {
    SEALFOLD_CHECK(!files->uki.empty() && files->loader.has_value() != files->loader_path.empty());
  }
  return 0;
}
