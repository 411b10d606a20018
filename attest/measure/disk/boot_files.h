// What a raw disk image boots: the UEFI programs of its EFI system partition.
#ifndef SEALFOLD_ATTEST_MEASURE_DISK_BOOT_FILES_H_
#define SEALFOLD_ATTEST_MEASURE_DISK_BOOT_FILES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct BootFiles {
  std::string uki_path = {};
  Bytes uki = {};  // the Unified Kernel Image; whether it is one, ParseUki says
  std::string loader_path = {};
  std::optional<Bytes> loader = {};  // what the firmware starts before it
};

// A machine without boot entries of its own starts /EFI/BOOT/BOOTX64.EFI (or BOOTAA64.EFI). That is
// the UKI, or it is a boot loader and there is exactly one in /EFI/Linux, no entry in
// /loader/entries and no XBOOTLDR partition: of several, which one is chosen is the loader's and
// the machine's to say. InvalidArgument, codes "disk_table", "fat_*", "pe_malformed", "disk_boot".
absl::StatusOr<BootFiles> FindBootFiles(ByteSpan disk);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_DISK_BOOT_FILES_H_
