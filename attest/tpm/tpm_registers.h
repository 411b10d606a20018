// What a TPM 2.0's platform configuration registers are worth (TCG PC Client Platform Firmware
// Profile, "PCR Usage").
#ifndef SEALFOLD_ATTEST_TPM_TPM_REGISTERS_H_
#define SEALFOLD_ATTEST_TPM_TPM_REGISTERS_H_

#include <cstdint>

namespace sealfold {

inline constexpr uint32_t kTpmRegisters = 24;

// 4: the boot applications; 7: Secure Boot's state and the keys that signed them; 8, 9: what GRUB
// and the kernel's stub load; 11: a unified kernel image's parts; 17, 18: a dynamic launch. The
// others hold firmware, configuration and what comes after the boot: one program's are another's.
inline constexpr uint32_t kTpmTellingRegisters =
    1u << 4 | 1u << 7 | 1u << 8 | 1u << 9 | 1u << 11 | 1u << 17 | 1u << 18;

// Of those, the one that measures the whole of what was booted, not only a part of it or who signed
// it; and no program that is booted instead can extend it afterwards, as it can 11.
inline constexpr uint32_t kTpmWholeRegisters = 1u << 4;

// 8 to 15 are the operating system's and stay zero where it does not use them. That 12 is zero says
// that no command line from outside was added to a unified kernel image's own.
inline constexpr uint32_t kTpmZeroTellsRegisters = 0xff00;

// 16 (debug) and 23 (application support): any program may reset them and extend them anew.
inline constexpr uint32_t kTpmResettableRegisters = 1u << 16 | 1u << 23;

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_TPM_REGISTERS_H_
