// Register 7: the firmware's policy of what it starts (TCG PC Client Platform Firmware Profile,
// 3.3.4.8; UEFI, chapter 32).
#ifndef SEALFOLD_ATTEST_MEASURE_UKI_SECURE_BOOT_H_
#define SEALFOLD_ATTEST_MEASURE_UKI_SECURE_BOOT_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "attest/measure/bank.h"
#include "attest/measure/uki/pe.h"

namespace sealfold {

// Contents of the machine's UEFI variables (without the four bytes of attributes that Linux's
// efivarfs puts before them); empty where a variable is not set. Secure Boot is on where there is
// a platform key.
struct SecureBootVariables {
  Bytes pk = {};
  Bytes kek = {};
  Bytes db = {};
  Bytes dbx = {};
  bool enabled() const { return !pk.empty(); }
};

// `started`: the programs that the firmware starts, in order. With Secure Boot on, each entry of
// `db` that vouches for one of them is measured once: the one that is among the certificates of a
// program's signature or signed one of them; the signatures themselves are the firmware's to check.
// InvalidArgument, "secure_boot_db" for a db that is no list of signatures, "pe_malformed";
// PermissionDenied, "secure_boot_signer", for a program that no certificate of `db` signed: it
// would not start; "secure_boot_signer_ambiguous" where there are several such entries: firmware
// measures the one that it tries first.
absl::StatusOr<Bytes> SecureBootPcr7(BankHash hash, const SecureBootVariables& variables,
                                     absl::Span<const PeImage> started);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_UKI_SECURE_BOOT_H_
