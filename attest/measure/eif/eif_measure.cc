#include "attest/measure/eif/eif_measure.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/measure/bank.h"
#include "attest/measure/eif/eif_signature.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// A register extended once, by what the hasher was given.
Measurement Extended(BankHasher hasher) {
  BankRegister reg(BankHash::kSha384);
  reg.Extend(hasher.Finish());
  return *Measurement::From(reg.value());
}

}  // namespace

absl::StatusOr<EifMeasurements> MeasureEif(const EifImage& image) {
  BankHasher all(BankHash::kSha384);
  BankHasher boot(BankHash::kSha384);
  BankHasher application(BankHash::kSha384);
  bool first_ramdisk = true;
  const EifSection* signature = nullptr;
  for (const EifSection& section : image.sections) {
    switch (section.type) {
      case EifSectionType::kKernel:
      case EifSectionType::kCommandLine:
        all.Update(section.data);
        boot.Update(section.data);
        break;
      case EifSectionType::kRamdisk:
        all.Update(section.data);
        (first_ramdisk ? boot : application).Update(section.data);
        first_ramdisk = false;
        break;
      case EifSectionType::kSignature:
        signature = &section;
        break;
      case EifSectionType::kMetadata:
        break;  // not measured
    }
  }
  EifMeasurements out{.pcr0 = Extended(std::move(all)),
                      .pcr1 = Extended(std::move(boot)),
                      .pcr2 = Extended(std::move(application))};
  if (signature == nullptr) return out;
  SEALFOLD_ASSIGN_OR_RETURN(Certificate certificate, CheckEifSignature(signature->data, out.pcr0));
  BankHasher certificate_hash(BankHash::kSha384);
  certificate_hash.Update(certificate.der());
  out.pcr8 = Extended(std::move(certificate_hash));
  out.certificate = std::move(certificate);
  return out;
}

}  // namespace sealfold
