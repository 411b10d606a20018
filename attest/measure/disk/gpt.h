// Where a raw disk image has its EFI system partition (UEFI, 5.3: GUID Partition Table).
#ifndef SEALFOLD_ATTEST_MEASURE_DISK_GPT_H_
#define SEALFOLD_ATTEST_MEASURE_DISK_GPT_H_

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// A view into `disk`: the one EFI system partition. Blocks of 512 bytes; the primary table with
// its checksums right. InvalidArgument, code "disk_table": for a table that is none, or for none or
// several such partitions.
absl::StatusOr<ByteSpan> FindEfiSystemPartition(ByteSpan disk);

// Whether there is a partition beside it from which boot loaders take images and entries too
// ("XBOOTLDR", UAPI group's Boot Loader Specification). "disk_table" as above.
absl::StatusOr<bool> HasExtendedBootLoaderPartition(ByteSpan disk);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_DISK_GPT_H_
