// Enclave Image Files of a test's own making, with anything wrong in them that it wants.
#ifndef SEALFOLD_ATTEST_TESTING_FORGE_EIF_BUILDER_H_
#define SEALFOLD_ATTEST_TESTING_FORGE_EIF_BUILDER_H_

#include <functional>
#include <utility>
#include <vector>

#include "attest/measure/eif/eif.h"
#include "protocol/base/types.h"

namespace sealfold {

// Good as it stands: a kernel, a command line and two ramdisks.
struct EifSpec {
  uint16_t version = 4;
  uint16_t flags = 0;
  std::vector<std::pair<EifSectionType, Bytes>> sections;

  EifSpec();
};

// `damage` changes the bytes before the CRC is put in.
Bytes BuildEif(const EifSpec& spec, const std::function<void(Bytes&)>& damage = nullptr);

// Puts the right CRC into the header. Requires: a header's size at least.
void MendEifCrc(Bytes& file);

// A signature section by a new key on `curve` that speaks for register `index` of value `pcr`.
Bytes BuildEifSignature(const Measurement& pcr, uint64_t index = 0, const char* curve = "P-384");

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_FORGE_EIF_BUILDER_H_
