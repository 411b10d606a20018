// What evidence about an enclave will say, from its Enclave Image File alone.
#ifndef SEALFOLD_ATTEST_MEASURE_EIF_EIF_MEASURE_H_
#define SEALFOLD_ATTEST_MEASURE_EIF_EIF_MEASURE_H_

#include <optional>

#include "attest/measure/eif/eif.h"
#include "attest/x509/certificate.h"
#include "protocol/base/types.h"

namespace sealfold {

// SHA-384; each register extended once, in the sections' order in the file. PCR3 and PCR4 are of
// the machine that starts the enclave and not in the file.
struct EifMeasurements {
  Measurement pcr0 = {};                        // kernel, command line, all ramdisks
  Measurement pcr1 = {};                        // kernel, command line, the first ramdisk
  Measurement pcr2 = {};                        // the other ramdisks
  std::optional<Measurement> pcr8 = {};         // the signing certificate, where there is one
  std::optional<Certificate> certificate = {};  // that signed PCR0; set with pcr8
};

// Reads the sections once each. The errors of CheckEifSignature: an image whose signature does not
// hold has no measurements.
absl::StatusOr<EifMeasurements> MeasureEif(const EifImage& image);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_EIF_EIF_MEASURE_H_
