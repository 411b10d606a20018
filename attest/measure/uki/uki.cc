#include "attest/measure/uki/uki.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kLinux = ".linux";
constexpr absl::string_view kMagic = ".sdmagic";
constexpr absl::string_view kMagicPrefix = "#### LoaderInfo: systemd-stub ";

// A section that systemd-stub measures, and by which version on. The order is the measuring's.
struct Measured {
  absl::string_view name;
  uint32_t since;
};
constexpr Measured kMeasured[] = {
    {kLinux, 252},    {".osrel", 252}, {".cmdline", 252}, {".initrd", 252}, {".ucode", 256},
    {".splash", 252}, {".dtb", 252},   {".uname", 255},   {".sbat", 255},   {".pcrpkey", 252}};
// What is measured of these depends on the machine that boots.
constexpr absl::string_view kChosenAtBoot[] = {".profile", ".dtbauto", ".hwids", ".efifw"};

constexpr uint32_t kVersionPcr11 = 252;
// Versions whose list of sections was not found out.
constexpr uint32_t kUnknownFirst = 253;
constexpr uint32_t kUnknownLast = 254;
// Since these, systemd-stub starts the kernel by itself, with Secure Boot on and in any case.
constexpr uint32_t kVersionOwnStartSecure = 252;
constexpr uint32_t kVersionOwnStart = 258;

absl::Status Unfit(absl::string_view part, absl::string_view what, std::string expected,
                   std::string found, std::string advice = "") {
  return BadInput({.code = absl::StrCat("uki_", part),
                   .what = absl::StrCat("unified kernel image, ", what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

// What is in memory of a section of the file, if it is all in the file.
ByteSpan InMemory(const PeSection& section) {
  return section.raw.first(std::min<size_t>(section.raw.size(), section.memory_size));
}

bool IsPayload(absl::string_view name) {
  return name == kMagic ||
         std::any_of(std::begin(kMeasured), std::end(kMeasured),
                     [name](const Measured& measured) { return measured.name == name; });
}

absl::Status CheckSections(const PeImage& image) {
  std::vector<const PeSection*> order;
  for (const PeSection& section : image.sections) {
    order.push_back(&section);
    if (!IsPayload(section.name)) continue;
    if (section.memory_size > section.raw.size()) {
      return Unfit("section", absl::StrCat("section ", section.name), "all of it in the file",
                   absl::StrCat(section.raw.size(), " bytes of ", section.memory_size));
    }
    if (image.Find(section.name) != &section) {
      return Unfit("section", absl::StrCat("section ", section.name), "one",
                   "another of this name");
    }
  }
  std::sort(order.begin(), order.end(), [](const PeSection* a, const PeSection* b) {
    return a->memory_offset < b->memory_offset;
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const PeSection& a = *order[i - 1];
    if (uint64_t{a.memory_offset} + std::max<uint64_t>(a.memory_size, a.raw.empty() ? 0 : 1) >
        order[i]->memory_offset) {
      return Unfit("section", "sections", "each in its own place in memory",
                   absl::StrCat(a.name, " and ", order[i]->name, " in the same"),
                   "build the image with `ukify`, which puts them apart");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> StubVersion(const PeImage& image) {
  const PeSection* const magic = image.Find(kMagic);
  absl::string_view text = magic == nullptr ? "" : AsText(InMemory(*magic));
  uint32_t version = 0;
  if (absl::ConsumePrefix(&text, kMagicPrefix)) {
    const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (absl::SimpleAtoi(text.substr(0, digits), &version) && version > 0) return version;
  }
  return Unfit("stub", "systemd-stub", "a section .sdmagic that names its version", "none",
               "say which version it is: --stub-version");
}

void MeasureProgramStart(BankHash hash, const PeImage& image, BankRegister& reg) {
  reg.Extend(AuthenticodeDigest(image, hash));
}

}  // namespace

absl::StatusOr<Uki> ParseUki(ByteSpan file, std::optional<uint32_t> stub_version) {
  Uki uki;
  SEALFOLD_ASSIGN_OR_RETURN(uki.image, ParsePe(file));
  SEALFOLD_RETURN_IF_ERROR(CheckSections(uki.image));
  const PeSection* const section = uki.image.Find(kLinux);
  if (section == nullptr || section->memory_size == 0) {
    return Unfit("linux", "kernel", "a section .linux", "none");
  }
  absl::StatusOr<PeImage> kernel = ParsePe(InMemory(*section));
  if (!kernel.ok()) return About("section .linux", kernel.status());
  uki.kernel = *std::move(kernel);
  if (stub_version.has_value()) {
    uki.stub_version = *stub_version;
  } else {
    SEALFOLD_ASSIGN_OR_RETURN(uki.stub_version, StubVersion(uki.image));
  }
  return uki;
}

Bytes UkiPcr4(BankHash hash, absl::Span<const PeImage> before, const Uki& uki, bool secure_boot) {
  BankRegister reg(hash);
  reg.Measure(AsBytes("Calling EFI Application from Boot Option"));
  reg.Measure(Bytes(4));  // the separator: from here on it is no longer the firmware's own
  for (const PeImage& image : before) MeasureProgramStart(hash, image, reg);
  MeasureProgramStart(hash, uki.image, reg);
  const uint32_t own_start = secure_boot ? kVersionOwnStartSecure : kVersionOwnStart;
  if (uki.stub_version < own_start) MeasureProgramStart(hash, uki.kernel, reg);
  return reg.value();
}

absl::StatusOr<Bytes> UkiPcr11(BankHash hash, const Uki& uki,
                               absl::Span<const std::string> phases) {
  if (uki.stub_version < kVersionPcr11 ||
      (uki.stub_version >= kUnknownFirst && uki.stub_version <= kUnknownLast)) {
    return Unfit("pcr11", "systemd-stub", "version 252, or 255 and later",
                 absl::StrCat("version ", uki.stub_version),
                 "take PCR11 from `systemd-measure calculate` of the same version");
  }
  for (const absl::string_view name : kChosenAtBoot) {
    if (uki.image.Find(name) == nullptr) continue;
    return Unfit("pcr11", "profiles", "one that is the same on every machine",
                 absl::StrCat("a section ", name), "leave PCR11 out and rely on PCR4");
  }
  BankRegister reg(hash);
  for (const Measured& measured : kMeasured) {
    const PeSection* const section = uki.image.Find(measured.name);
    if (measured.since > uki.stub_version || section == nullptr || section->memory_size == 0) {
      continue;
    }
    const std::string name = absl::StrCat(measured.name, absl::string_view("\0", 1));
    reg.Measure(AsBytes(name));
    reg.Measure(InMemory(*section));
  }
  for (const std::string& phase : phases) reg.Measure(AsBytes(phase));
  return reg.value();
}

Bytes UkiPcr12(BankHash hash) { return BankRegister(hash).value(); }

}  // namespace sealfold
