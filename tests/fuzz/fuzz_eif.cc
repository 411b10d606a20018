// Enclave Image Files: what is read lies within the file and is all of it, and what is measured
// without a signature never has PCR8. The CRC is put right first, so that chance gets past it.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "attest/measure/eif/eif_measure.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  Bytes file(data, data + size);
  if (file.size() >= kEifHeaderSize) {
    const uint32_t crc = EifCrc(file);
    for (size_t i = 0; i < 4; ++i) {
      file[kEifHeaderSize - 4 + i] = static_cast<uint8_t>(crc >> (8 * (3 - i)));
    }
  }
  const absl::StatusOr<EifImage> image = ParseEif(file);
  if (!image.ok()) {
    SEALFOLD_CHECK(image.status().code() == absl::StatusCode::kInvalidArgument);
    SEALFOLD_CHECK(ErrorCode(image.status()) != "eif_crc");
    return 0;
  }
  size_t covered = kEifHeaderSize;
  bool has_signature = false;
  for (const EifSection& section : image->sections) {
    covered += 12;
    SEALFOLD_CHECK(section.data.data() == file.data() + covered);
    covered += section.data.size();
    has_signature = has_signature || section.type == EifSectionType::kSignature;
  }
  SEALFOLD_CHECK(covered == file.size());
  const absl::StatusOr<EifMeasurements> measured = MeasureEif(*image);
  SEALFOLD_CHECK(has_signature || measured.ok());
  if (measured.ok()) SEALFOLD_CHECK(measured->pcr8.has_value() == has_signature);
  return 0;
}
