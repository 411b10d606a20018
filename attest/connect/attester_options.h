// The command-line options by which programs are told what makes their evidence.
#ifndef SEALFOLD_ATTEST_CONNECT_ATTESTER_OPTIONS_H_
#define SEALFOLD_ATTEST_CONNECT_ATTESTER_OPTIONS_H_

#include <CLI/CLI.hpp>

#include "attest/connect/connect_attester.h"

namespace sealfold {

// Adds --attester, required, --platform, and --tpm-bank, --tpm-registers, --tpm-key,
// --tpm-certificate and --tpm-event-log. `settings` outlives the parsing.
void AddAttesterOptions(CLI::App& app, AttesterSettings& settings);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_CONNECT_ATTESTER_OPTIONS_H_
