// Enclave Image Files: what AWS Nitro Enclaves boot, as eif_build writes them.
//
// All numbers big-endian. A header of 548 bytes: magic ".eif", version, flags, default memory and
// CPUs, the number of sections, 32 offsets, 32 sizes, a CRC-32 over the whole file but itself. Then
// the sections without gaps, each with a header of 12 bytes: type, flags, size.
#ifndef SEALFOLD_ATTEST_MEASURE_EIF_EIF_H_
#define SEALFOLD_ATTEST_MEASURE_EIF_EIF_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kEifHeaderSize = 548;
inline constexpr size_t kEifSectionsMax = 32;

enum class EifSectionType : uint16_t {
  kKernel = 1,
  kCommandLine = 2,
  kRamdisk = 3,
  kSignature = 4,
  kMetadata = 5,
};

struct EifSection {
  EifSectionType type = EifSectionType::kKernel;
  ByteSpan data = {};  // in the file's bytes
};

struct EifImage {
  uint16_t version = 0;
  bool arm64 = false;
  uint64_t default_memory_bytes = 0;
  uint64_t default_cpus = 0;
  std::vector<EifSection> sections = {};  // in the file's order
};

// A view into `file`, which must outlive it. Strict, so that what is measured is all that could be
// booted: the header's table and the sections' own headers agree, sections follow one another from
// the header to the file's end, there are one kernel, one command line, at least one ramdisk, at
// most one signature and one metadata section, and the CRC is right. Reads the file once and holds
// nothing of it. InvalidArgument, codes "eif_header", "eif_section", "eif_crc".
absl::StatusOr<EifImage> ParseEif(ByteSpan file);

// The CRC-32 (IEEE 802.3) that belongs into a file's header. Requires: a header's size at least.
uint32_t EifCrc(ByteSpan file);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_EIF_EIF_H_
