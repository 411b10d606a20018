// UEFI programs and unified kernel images: what is read lies within the file; every register is
// there in every bank, or refused with a reason.
#include <cstddef>
#include <cstdint>

#include "attest/measure/uki/secure_boot.h"
#include "attest/measure/uki/uki.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan file(data, size);
  if (const absl::StatusOr<PeImage> image = ParsePe(file); image.ok()) {
    SEALFOLD_CHECK(image->headers_size + image->certificates.size() <= size);
    for (const PeSection& section : image->sections) {
      SEALFOLD_CHECK(
          section.raw.empty() ||
          (section.raw.data() >= data && section.raw.data() + section.raw.size() <= data + size));
    }
    SEALFOLD_CHECK(AuthenticodeDigest(*image, BankHash::kSha384).size() == 48);
    if (const auto certificates = SignatureCertificates(*image); !certificates.ok()) {
      SEALFOLD_CHECK(ErrorCode(certificates.status()) == "pe_malformed");
    }
  }
  const absl::StatusOr<Uki> uki = ParseUki(file, 252);
  if (!uki.ok()) {
    SEALFOLD_CHECK(uki.status().code() == absl::StatusCode::kInvalidArgument);
  } else {
    SEALFOLD_CHECK(UkiPcr4(BankHash::kSha256, {}, *uki, false) !=
                   UkiPcr4(BankHash::kSha256, {}, *uki, true));
    const auto pcr11 = UkiPcr11(BankHash::kSha256, *uki, {});
    SEALFOLD_CHECK(pcr11.ok() || ErrorCode(pcr11.status()) == "uki_pcr11");
  }
  // The same bytes as a signature database.
  const SecureBootVariables variables{.pk = Bytes(1), .db = ToBytes(file)};
  const auto pcr7 = SecureBootPcr7(BankHash::kSha256, variables, {});
  SEALFOLD_CHECK(pcr7.ok() || ErrorCode(pcr7.status()) == "secure_boot_db");
  return 0;
}
