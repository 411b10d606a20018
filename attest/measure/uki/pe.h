// UEFI programs: PE32+ files (Microsoft's PE format), read and never run.
#ifndef SEALFOLD_ATTEST_MEASURE_UKI_PE_H_
#define SEALFOLD_ATTEST_MEASURE_UKI_PE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/measure/bank.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kPeSectionsMax = 96;

struct PeSection {
  std::string name = {};  // up to 8 bytes, without the zeros at its end
  uint32_t memory_offset = 0;
  uint32_t memory_size = 0;
  ByteSpan raw = {};  // its bytes in the file: longer than in memory by padding, or shorter
};

// A view into a file, which must outlive it.
struct PeImage {
  ByteSpan file = {};
  // What the Authenticode digest leaves out, and where headers end.
  size_t checksum_offset = 0;
  size_t certificate_entry_offset = 0;
  size_t headers_size = 0;
  std::vector<PeSection> sections = {};  // in the table's order
  ByteSpan certificates = {};            // the attribute certificate table, at the file's end

  // nullptr if there is none of this name.
  const PeSection* Find(absl::string_view name) const;
};

// Strict: every section and table lies within the file, no section over another, the certificate
// table at its end.
// InvalidArgument, code "pe_malformed".
absl::StatusOr<PeImage> ParsePe(ByteSpan file);

// The Authenticode image digest: what firmware measures of a program it starts and what its
// signature signs. Headers, sections in the file's order and what follows them, without checksum,
// the certificate table and its place in the header. Reads the file once.
Bytes AuthenticodeDigest(const PeImage& image, BankHash hash);

// Certificates (DER) that signatures in the certificate table carry, in their order. Nothing of
// them is verified. InvalidArgument, code "pe_malformed", for a table that is none.
absl::StatusOr<std::vector<Bytes>> SignatureCertificates(const PeImage& image);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_UKI_PE_H_
