// The real documents in tests/data/attestation, for tests.
#ifndef SEALFOLD_ATTEST_TESTING_VECTORS_H_
#define SEALFOLD_ATTEST_TESTING_VECTORS_H_

#include <string>

#include "attest/verifier.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// A file of tests/data, e.g. "attestation/nsm-2022-10.cose".
std::string ReadTestData(const std::string& name);
Bytes ReadDocument(const std::string& name);  // of attestation/

// "2022-10-13T08:58:02.136Z" in milliseconds since 1970. Requires: such a time.
uint64_t TimeMs(const char* text);

// For aws-nitro, with one set of reference values: register 0 is `pcr0`.
EvidencePolicy NitroPolicy(ByteSpan pcr0);

// Register 0 of the real documents.
Bytes Pcr0Of2022();
Bytes Pcr0Of2025();

// For aws-nitrotpm: that accepts nitrotpm-2026-02.cose by register 4.
EvidencePolicy NitroTpmPolicy();

// The check of that name; a failed one named "(none)" if there is none.
Check FindCheck(const Verdict& verdict, const std::string& name);

// "platform format chain ..." of a verdict, a failed check with a '!' before its name.
std::string CheckNames(const Verdict& verdict);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_VECTORS_H_
