// Which build is measured, and what is known of the machine that will start it: options that
// `measure`, `policy init` and `release sign` share.
#ifndef SEALFOLD_ATTEST_PROGRAM_BUILD_OPTIONS_H_
#define SEALFOLD_ATTEST_PROGRAM_BUILD_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/measure/bank.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct BuildOptions {
  std::string kind;  // of BuildKinds()
  std::string path;
  // Of unified kernel images:
  std::vector<std::string> before;  // programs started before, first to last
  std::optional<uint32_t> stub_version;
  std::string phases = "enter-initrd:leave-initrd:sysinit:ready";
  std::string pk, kek, db, dbx;  // paths of the machine's Secure Boot variables; empty: not set

  // The options of unified kernel images.
  void AddUkiOptions(CLI::App& verb);
  // That none of them was given, and no bank either if not `bank`, of a build that has no use for
  // it. InvalidArgument, code "build_option".
  absl::Status CheckGiven(bool bank) const;
};

const std::vector<std::string>& BuildKinds();
// What the kinds are, for help.
inline constexpr char kBuildKindsHelp[] =
    "elf: a program, as sealfold-softnsm measures it; eif: an Enclave Image File (AWS Nitro "
    "Enclaves); uki: a Unified Kernel Image (NitroTPM, any TPM); image: the raw disk image that "
    "has one";

// That this build has the platform, and that it is one which runs such a build: another's registers
// would be compared with what they never hold. InvalidArgument, code "policy_platform_unknown" or
// "build_kind".
absl::Status CheckKindOfPlatform(const std::string& kind, const std::string& platform);

// The banks that are vouched for: those of these names, or, of none, one that the platform's
// evidence may be in, SHA-256 where it may be in several. Whoever quotes a TPM chooses the bank,
// and one that the firmware does not extend can be made to hold anything: more are named only by
// who knows the machines. InvalidArgument, code "bank_unfit", for one that no evidence is in.
absl::StatusOr<std::vector<BankHash>> BanksOf(const std::string& platform,
                                              const std::vector<std::string>& names);

// The option `--bank` of a build's verbs, several if given again.
void AddBankOption(CLI::App& verb, std::vector<std::string>& names);

struct Measurements {
  std::map<BankHash, std::map<uint32_t, Bytes>> banks = {};
  std::vector<std::pair<std::string, std::string>> notes = {};  // for people: name, text
};

// `banks` of a TPM; programs and enclaves have SHA-384 alone, whatever is asked for.
absl::StatusOr<Measurements> MeasureBuild(const BuildOptions& options,
                                          const std::vector<BankHash>& banks);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_PROGRAM_BUILD_OPTIONS_H_
