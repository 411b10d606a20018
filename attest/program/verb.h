// The verbs of sealfold-attest: each adds its options to the command line and, where it is the one
// called, what to run.
#ifndef SEALFOLD_ATTEST_PROGRAM_VERB_H_
#define SEALFOLD_ATTEST_PROGRAM_VERB_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"
#include "protocol/base/error.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"

namespace sealfold {

void AddMeasure(CLI::App& app, Verb& called);
void AddVerify(CLI::App& app, Verb& called);
void AddExplain(CLI::App& app, Verb& called);
void AddPolicy(CLI::App& app, Verb& called);
void AddKeygen(CLI::App& app, Verb& called);
void AddRelease(CLI::App& app, Verb& called);
void AddMake(CLI::App& app, Verb& called);
void AddEnrol(CLI::App& app, Verb& called);

// For options that narrow what is accepted: a value that a script left empty (`--nonce "$UNSET"`)
// must not be the same as no option.
inline CLI::Validator NotEmpty() {
  return {[](const std::string& value) {
            return value.empty() ? std::string("is empty: leave the option out, or give a value")
                                 : std::string();
          },
          ""};
}

// The bytes that the option's hex stands for; an error says which option.
inline absl::StatusOr<Bytes> HexOption(absl::string_view option, const std::string& text) {
  absl::StatusOr<Bytes> bytes = HexDecode(text);
  if (!bytes.ok()) return About(option, bytes.status());
  return bytes;
}

// Attestation documents, and roots in PEM, are read whole.
inline constexpr size_t kEvidenceBytesMax = 1u << 20;
inline constexpr size_t kRootBytesMax = 1u << 20;

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_PROGRAM_VERB_H_
