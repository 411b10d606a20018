// What a machine's TPM will say after it booted a Unified Kernel Image (UAPI group) by
// systemd-stub: registers 4, 11 and 12. Register 7 is in secure_boot.h.
#ifndef SEALFOLD_ATTEST_MEASURE_UKI_UKI_H_
#define SEALFOLD_ATTEST_MEASURE_UKI_UKI_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "attest/measure/bank.h"
#include "attest/measure/uki/pe.h"

namespace sealfold {

// A UEFI program whose section .linux systemd-stub starts. A view as PeImage is.
struct Uki {
  PeImage image = {};
  PeImage kernel = {};
  uint32_t stub_version = 0;  // of systemd-stub
};

// `stub_version`: where the file does not say (section .sdmagic), or against what it says.
// InvalidArgument: "pe_malformed"; "uki_section" where sections overlap in memory, so that what is
// measured would be another's, or one that matters is there twice; "uki_linux" without a kernel;
// "uki_stub" where no version is known.
absl::StatusOr<Uki> ParseUki(ByteSpan file, std::optional<uint32_t> stub_version);

// Register 4: what the firmware starts, and what systemd-stub has it start. `before`: programs
// started before the UKI, first to last (a boot loader, say). With Secure Boot off, stubs before
// 258, and with it on those before 252, have the firmware measure the kernel within.
Bytes UkiPcr4(BankHash hash, absl::Span<const PeImage> before, const Uki& uki, bool secure_boot);

// Register 11: names and contents of the sections that this version of systemd-stub measures, in
// its order, then each word of `phases` ("enter-initrd", ...), as systemd-pcrphase measures them
// while the machine starts. InvalidArgument, "uki_pcr11", for stubs whose order is not known here
// (before 252, 253 and 254) and for files of several profiles or devices, where it depends on the
// machine.
absl::StatusOr<Bytes> UkiPcr11(BankHash hash, const Uki& uki, absl::Span<const std::string> phases);

// All zero: with neither command line nor credentials from outside nothing is measured there.
Bytes UkiPcr12(BankHash hash);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_UKI_UKI_H_
