#include "attest/program/build_options.h"

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "attest/measure/disk/boot_files.h"
#include "attest/measure/eif/eif_measure.h"
#include "attest/measure/program_file.h"
#include "attest/measure/uki/secure_boot.h"
#include "attest/measure/uki/uki.h"
#include "attest/platform_names.h"
#include "attest/program/verb.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"
#include "protocol/model/mapped_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr size_t kVariableBytesMax = 1u << 20;
// What the builds of a kind run on.
constexpr std::pair<const char*, const char*> kPlatforms[] = {
    {"elf", "sealfold-softnsm"}, {"eif", "aws-nitro"}, {"uki", "aws-nitrotpm"}, {"uki", "tpm2"},
    {"image", "aws-nitrotpm"},   {"image", "tpm2"}};

absl::StatusOr<Measurements> MeasureElf(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const Measurement measurement, MeasureProgram(path));
  // What is measured of a script that calls is its interpreter: no other file ever is.
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  if (!absl::StartsWith(AsText(file.span()),
                        "\x7f"
                        "ELF")) {
    return BadInput({.code = "elf_magic",
                     .what = absl::StrCat("program to measure ", path),
                     .expected = "an ELF file, which the kernel runs by itself",
                     .found = "another kind of file",
                     .advice = "of a script, name its interpreter"});
  }
  return Measurements{.banks = {{BankHash::kSha384, {{0, ToBytes(measurement.span())}}}}};
}

absl::StatusOr<Measurements> MeasureEifFile(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  SEALFOLD_ASSIGN_OR_RETURN(const EifImage image, ParseEif(file.span()));
  SEALFOLD_ASSIGN_OR_RETURN(const EifMeasurements measured, MeasureEif(image));
  Measurements out{.banks = {{BankHash::kSha384,
                              {{0, ToBytes(measured.pcr0.span())},
                               {1, ToBytes(measured.pcr1.span())},
                               {2, ToBytes(measured.pcr2.span())}}}}};
  if (measured.pcr8.has_value()) {
    out.banks[BankHash::kSha384][8] = ToBytes(measured.pcr8->span());
    out.notes = {{"signed by", measured.certificate->Subject()},
                 {"valid", measured.certificate->Validity()}};
  }
  return out;
}

absl::StatusOr<Bytes> ReadVariable(const std::string& path) {
  if (path.empty()) return Bytes();
  SEALFOLD_ASSIGN_OR_RETURN(const std::string content, ReadFile(path, kVariableBytesMax));
  return ToBytes(AsBytes(content));
}

absl::StatusOr<SecureBootVariables> ReadVariables(const BuildOptions& options) {
  SecureBootVariables variables;
  SEALFOLD_ASSIGN_OR_RETURN(variables.pk, ReadVariable(options.pk));
  SEALFOLD_ASSIGN_OR_RETURN(variables.kek, ReadVariable(options.kek));
  SEALFOLD_ASSIGN_OR_RETURN(variables.db, ReadVariable(options.db));
  SEALFOLD_ASSIGN_OR_RETURN(variables.dbx, ReadVariable(options.dbx));
  return variables;
}

// `file` is the UKI, `before` what is started before it.
absl::StatusOr<Measurements> MeasureUki(const BuildOptions& options,
                                        const std::vector<BankHash>& banks, ByteSpan file,
                                        const std::vector<PeImage>& before) {
  SEALFOLD_ASSIGN_OR_RETURN(const SecureBootVariables variables, ReadVariables(options));
  absl::StatusOr<Uki> uki = ParseUki(file, options.stub_version);
  if (!uki.ok()) return About(options.path, uki.status());
  std::vector<PeImage> started = before;
  started.push_back(uki->image);
  const std::vector<std::string> phases = absl::StrSplit(options.phases, ':', absl::SkipEmpty());
  Measurements out;
  for (const BankHash hash : banks) {
    std::map<uint32_t, Bytes>& registers = out.banks[hash];
    registers[4] = UkiPcr4(hash, before, *uki, variables.enabled());
    SEALFOLD_ASSIGN_OR_RETURN(registers[7], SecureBootPcr7(hash, variables, started));
    absl::StatusOr<Bytes> pcr11 = UkiPcr11(hash, *uki, phases);
    if (pcr11.ok()) {
      registers[11] = *std::move(pcr11);
    } else if (out.notes.empty()) {
      const Explanation why = Explain(pcr11.status());
      out.notes = {{"no pcr11", absl::StrCat(why.found, ": ", why.advice)}};
    }
    registers[12] = UkiPcr12(hash);
  }
  out.notes.emplace_back("systemd-stub", absl::StrCat(uki->stub_version));
  out.notes.emplace_back("secure boot", variables.enabled() ? "on" : "off");
  out.notes.emplace_back("pcr11 after", options.phases);
  return out;
}

absl::StatusOr<Measurements> MeasureUkiFile(const BuildOptions& options,
                                            const std::vector<BankHash>& banks) {
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.path));
  std::vector<MappedFile> files;
  std::vector<PeImage> before;
  for (const std::string& path : options.before) {
    SEALFOLD_ASSIGN_OR_RETURN(MappedFile program, MappedFile::Open(path));
    absl::StatusOr<PeImage> image = ParsePe(program.span());
    if (!image.ok()) return About(path, image.status());
    files.push_back(std::move(program));
    before.push_back(*std::move(image));
  }
  return MeasureUki(options, banks, file.span(), before);
}

absl::StatusOr<Measurements> MeasureDiskImage(const BuildOptions& options,
                                              const std::vector<BankHash>& banks) {
  if (!options.before.empty()) {
    return BadInput({.code = "before_unexpected",
                     .what = "--before",
                     .expected = "none: a disk image has what is started",
                     .found = options.before.front()});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.path));
  absl::StatusOr<BootFiles> files = FindBootFiles(file.span());
  if (!files.ok()) return About(options.path, files.status());
  std::vector<PeImage> before;
  if (files->loader.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(PeImage loader, ParsePe(*files->loader));
    before.push_back(std::move(loader));
  }
  SEALFOLD_ASSIGN_OR_RETURN(Measurements out, MeasureUki(options, banks, files->uki, before));
  if (files->loader.has_value()) out.notes.emplace_back("boot loader", files->loader_path);
  out.notes.emplace_back("image", files->uki_path);
  return out;
}

}  // namespace

const std::vector<std::string>& BuildKinds() {
  static const std::vector<std::string> kKinds = {"elf", "eif", "uki", "image"};
  return kKinds;
}

absl::Status CheckKindOfPlatform(const std::string& kind, const std::string& platform) {
  if (FindVerifier(platform) == nullptr) {
    return BadInput({.code = "policy_platform_unknown",
                     .what = "--platform",
                     .expected = absl::StrCat("one of this build: ", PlatformNames()),
                     .found = absl::StrCat("'", platform, "'")});
  }
  std::vector<std::string> kinds;
  for (const auto& [each, runs_on] : kPlatforms) {
    if (platform != runs_on) continue;
    if (kind == each) return absl::OkStatus();
    kinds.emplace_back(each);
  }
  return BadInput({.code = "build_kind",
                   .what = absl::StrCat("--kind for platform ", platform),
                   .expected = absl::StrJoin(kinds, " or "),
                   .found = kind});
}

absl::StatusOr<std::vector<BankHash>> BanksOf(const std::string& platform,
                                              const std::vector<std::string>& names) {
  std::vector<BankHash> banks;
  const Verifier* verifier = FindVerifier(platform);
  for (const BankHash each : {BankHash::kSha256, BankHash::kSha384}) {
    const bool named = absl::c_linear_search(names, BankHashName(each));
    const size_t size = BankRegister(each).value().size();
    if (verifier == nullptr || absl::c_linear_search(verifier->register_rules().sizes, size)) {
      if (named || (names.empty() && banks.empty())) banks.push_back(each);
    } else if (named) {
      return BadInput({.code = "bank_unfit",
                       .what = "--bank",
                       .expected = absl::StrCat("one that evidence of ", platform, " has"),
                       .found = std::string(BankHashName(each)),
                       .advice = "leave it out"});
    }
  }
  return banks;
}

void AddBankOption(CLI::App& verb, std::vector<std::string>& names) {
  verb.add_option("--bank", names,
                  "TPMs: bank of a build's values, several if given again: only those that the "
                  "machines' firmware extends; sha256 if left out, sha384 for aws-nitrotpm")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"sha256", "sha384"}));
}

void BuildOptions::AddUkiOptions(CLI::App& verb) {
  verb.add_option("--before", before,
                  "uki: a UEFI program started before it (a boot loader); several in their order");
  verb.add_option("--stub-version", stub_version,
                  "uki: version of its systemd-stub, where it does not say");
  verb.add_option("--phases", phases,
                  "uki: boot phases that systemd-pcrphase has measured into PCR11; '' for none")
      ->capture_default_str();
  verb.add_option("--pk", pk, "uki: the machine's Secure Boot variable PK; on where there is one")
      ->check(NotEmpty());
  verb.add_option("--kek", kek, "uki: its KEK")->check(NotEmpty());
  verb.add_option("--db", db, "uki: its db")->check(NotEmpty());
  verb.add_option("--dbx", dbx, "uki: its dbx")->check(NotEmpty());
}

absl::Status BuildOptions::CheckGiven(bool bank) const {
  if (kind == "uki" || kind == "image") return absl::OkStatus();
  const std::pair<const char*, bool> given[] = {{"--bank", bank},
                                                {"--before", !before.empty()},
                                                {"--stub-version", stub_version.has_value()},
                                                {"--phases", phases != BuildOptions().phases},
                                                {"--pk", !pk.empty()},
                                                {"--kek", !kek.empty()},
                                                {"--db", !db.empty()},
                                                {"--dbx", !dbx.empty()}};
  for (const auto& [option, is_given] : given) {
    if (!is_given) continue;
    return BadInput({.code = "build_option",
                     .what = absl::StrCat(option, " of a build of kind ", kind),
                     .expected = "none: only unified kernel images, and what has one, use it",
                     .found = "one",
                     .advice = "leave it out"});
  }
  return absl::OkStatus();
}

absl::StatusOr<Measurements> MeasureBuild(const BuildOptions& options,
                                          const std::vector<BankHash>& banks) {
  if (options.kind == "uki") return MeasureUkiFile(options, banks);
  if (options.kind == "image") return MeasureDiskImage(options, banks);
  return options.kind == "eif" ? MeasureEifFile(options.path) : MeasureElf(options.path);
}

}  // namespace sealfold
