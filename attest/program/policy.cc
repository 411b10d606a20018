#include <algorithm>
#include <bit>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/policy/evidence_policy_json.h"
#include "attest/program/build_options.h"
#include "attest/program/verb.h"
#include "attest/verifier.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

struct PolicyOptions {
  std::string action;
  std::string platform;
  std::string root_path;
  std::string name;
  BuildOptions build;
  std::string document;
  std::vector<uint32_t> registers;
  std::vector<std::string> attestation_keys;
  std::vector<std::string> banks;
  std::string out;
};

// A register that tells what runs, or a TPM's 12, which says that no command line was added. The
// others are the machine's or its configuration's, and change from boot to boot.
bool IsOfTheProgram(const RegisterRules& rules, uint32_t index, ByteSpan value) {
  constexpr uint32_t kCommandLineRegister = 12;
  const bool command_line = index == kCommandLineRegister && InMask(rules.zero_tells, index);
  return (InMask(rules.telling, index) || command_line) && SaysSomething(rules, index, value);
}

// Of a document whose chain and signature hold: its registers that tell what runs, or those asked
// for. A document is no proof of what was built, so that this is said to people.
absl::StatusOr<std::map<uint32_t, Bytes>> RegistersOfDocument(const PolicyOptions& options,
                                                              EvidencePolicy policy) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string evidence,
                            ReadFile(options.document, kEvidenceBytesMax));
  const Verifier* verifier = FindVerifier(policy.platform);
  if (verifier == nullptr) return CheckEvidencePolicy(policy);
  const RegisterRules& rules = verifier->register_rules();
  // Any reference value: only what comes before it in a verdict is looked at.
  const auto telling = static_cast<uint32_t>(std::countr_zero(rules.telling));
  policy.reference_values = {
      {.name = "none", .registers = {{telling, Bytes(rules.sizes.front(), 1)}}}};
  const Verdict verdict = VerifyEvidence(AsBytes(evidence), policy, {.check_freshness = false});
  if (verdict.claims.registers.empty()) return About(options.document, verdict.status());
  // In debug mode none of its registers tells anything.
  const bool debug =
      std::any_of(verdict.checks.begin(), verdict.checks.end(),
                  [](const Check& check) { return check.name == "debug" && !check.passed; });
  if (debug && options.registers.empty()) return About(options.document, verdict.status());
  std::map<uint32_t, Bytes> out;
  for (const auto& [index, value] : verdict.claims.registers) {
    if (options.registers.empty() && IsOfTheProgram(rules, index, value)) out[index] = value;
  }
  for (const uint32_t index : options.registers) {
    auto found = verdict.claims.registers.find(index);
    if (found == verdict.claims.registers.end()) {
      return BadInput({.code = "register_missing",
                       .what = options.document,
                       .expected = absl::StrCat("pcr", index),
                       .found = "no such register"});
    }
    out[index] = found->second;
  }
  policy.reference_values = {{.name = "this document", .registers = out}};
  SEALFOLD_RETURN_IF_ERROR(CheckEvidencePolicy(policy));
  // Now wholly: a document of debug mode is refused here.
  const absl::Status status =
      VerifyEvidence(AsBytes(evidence), policy, {.check_freshness = false}).status();
  if (!status.ok()) return About(options.document, status);
  return out;
}

absl::StatusOr<std::map<uint32_t, Bytes>> RegistersAskedFor(
    const PolicyOptions& options, const std::map<uint32_t, Bytes>& measured) {
  if (options.registers.empty()) return measured;
  std::map<uint32_t, Bytes> out;
  for (const uint32_t index : options.registers) {
    auto found = measured.find(index);
    if (found == measured.end()) {
      return BadInput({.code = "register_missing",
                       .what = options.build.path,
                       .expected = absl::StrCat("pcr", index),
                       .found = "a build that says nothing of this register"});
    }
    out[index] = found->second;
  }
  return out;
}

// Of a build a set for each bank that is named: evidence is in one of them, and matches one set.
absl::StatusOr<std::vector<ReferenceValues>> SetsOfBuild(const PolicyOptions& options,
                                                         const std::string& name) {
  SEALFOLD_RETURN_IF_ERROR(CheckKindOfPlatform(options.build.kind, options.platform));
  SEALFOLD_RETURN_IF_ERROR(options.build.CheckGiven(!options.banks.empty()));
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<BankHash> banks,
                            BanksOf(options.platform, options.banks));
  SEALFOLD_ASSIGN_OR_RETURN(const Measurements measured, MeasureBuild(options.build, banks));
  std::vector<ReferenceValues> sets;
  for (const auto& [bank, registers] : measured.banks) {
    ReferenceValues set{
        .name = measured.banks.size() == 1 ? name : absl::StrCat(name, ", ", BankHashName(bank))};
    SEALFOLD_ASSIGN_OR_RETURN(set.registers, RegistersAskedFor(options, registers));
    sets.push_back(std::move(set));
  }
  return sets;
}

absl::Status PolicyInit(const PolicyOptions& options, const Output& output) {
  constexpr size_t kNameBytesMax = 255;  // as a file's
  EvidencePolicy policy{.platform = options.platform};
  if (!options.root_path.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(policy.root_pem, ReadFile(options.root_path, kRootBytesMax));
  }
  for (const std::string& text : options.attestation_keys) {
    SEALFOLD_ASSIGN_OR_RETURN(policy.attestation_keys.emplace_back(),
                              HexOption("--attestation-key", text));
  }
  const std::string& source = options.document.empty() ? options.build.path : options.document;
  const std::string name =
      options.name.empty()
          ? OneLine(std::filesystem::path(source).filename().string(), kNameBytesMax)
          : options.name;
  if (options.document.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(policy.reference_values, SetsOfBuild(options, name));
  } else {
    ReferenceValues values{.name = name};
    SEALFOLD_ASSIGN_OR_RETURN(values.registers, RegistersOfDocument(options, policy));
    policy.reference_values = {std::move(values)};
  }
  SEALFOLD_RETURN_IF_ERROR(CheckEvidencePolicy(policy));
  // JSON has no other text.
  if (!IsUtf8(name)) {
    return BadInput(
        {.code = "text_malformed", .what = "--name", .expected = "UTF-8", .found = "other bytes"});
  }
  if (!policy.root_pem.empty()) {
    // Without what may stand beside it in the file, in any encoding.
    SEALFOLD_ASSIGN_OR_RETURN(const Certificate root, Certificate::FromPem(policy.root_pem));
    policy.root_pem = root.Pem();
  }
  if (std::filesystem::exists(options.out)) {
    return BadInput({.code = "policy_exists",
                     .what = options.out,
                     .expected = "no file of this name",
                     .found = "one: a policy is not overwritten",
                     .advice = "name another file"});
  }
  const std::string text = WriteEvidencePolicy(policy);
  // Nobody could use what does not read.
  SEALFOLD_RETURN_IF_ERROR(
      ParseEvidencePolicy(text, options.out, PolicyFilesBeside(options.out)).status());
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out, text));
  nlohmann::ordered_json object = {{"policy", options.out}, {"platform", policy.platform}};
  for (const ReferenceValues& set : policy.reference_values) {
    output.Line(absl::StrCat(&set == &policy.reference_values.front()
                                 ? absl::StrCat("Wrote ", options.out, ": accepts '")
                                 : "or '",
                             set.name, "' on ", policy.platform, ", by"));
    nlohmann::ordered_json registers = {{"name", set.name}};
    for (const auto& [index, value] : set.registers) {
      // At the top the last set's, of the longest bank, as `measure` has it.
      object[absl::StrCat("pcr", index)] = registers[absl::StrCat("pcr", index)] = HexEncode(value);
      output.Line(absl::StrCat("  PCR", index, " ", HexEncode(value)));
    }
    object["reference_values"].push_back(std::move(registers));
  }
  object["from"] = options.document.empty() ? "build" : "document";
  if (!options.document.empty()) {
    output.Line(output.Warn(
        "These are what that machine ran, not what you built: compare them with a build of your "
        "own"));
  }
  output.Json(JsonText(object));
  return absl::OkStatus();
}

}  // namespace

void AddPolicy(CLI::App& app, Verb& called) {
  auto options = std::make_shared<PolicyOptions>();
  CLI::App* verb = app.add_subcommand(
      "policy", "init: writes an evidence policy, from a build or from a document that verifies");
  verb->add_option("action", options->action, "init")->required()->check(CLI::IsMember({"init"}));
  verb->add_option("--platform", options->platform, "Platform whose evidence is accepted")
      ->required();
  verb->add_option("--root", options->root_path,
                   "The pinned trust root (PEM); left out where it is built in")
      ->check(NotEmpty());
  CLI::Option* kind = verb->add_option("--kind", options->build.kind, kBuildKindsHelp)
                          ->check(CLI::IsMember(BuildKinds()));
  CLI::Option* build =
      verb->add_option("--build", options->build.path, "Measure this build")->needs(kind);
  CLI::Option* document = verb->add_option(
      "--document", options->document,
      "Take what this attestation document says, once its signature holds; not debug mode's");
  document->excludes(build);
  build->excludes(document);
  verb->add_option("--registers", options->registers,
                   "Only these, e.g. 0,1,2; all that tell what runs if left out")
      ->delimiter(',');
  verb->add_option(
      "--attestation-key", options->attestation_keys,
      "tpm2: name of a key that is accepted (hex), as `enrol finish` prints it; several "
      "if given again");
  AddBankOption(*verb, options->banks);
  verb->add_option("--name", options->name, "Name of the build, e.g. its release");
  options->build.AddUkiOptions(*verb);
  verb->add_option("--out", options->out, "Policy to write (JSON)")->required();
  verb->footer(
      "A participant's policy takes what stands under \"evidence\".\n\n"
      "Example:\n  sealfold-attest policy init --platform aws-nitro --kind eif --build "
      "aggregator.eif --out evidence.json");
  verb->callback([options, build, document, &called] {
    if (build->count() + document->count() != 1) {
      throw CLI::ValidationError("policy", "one of --build and --document is required");
    }
    called = [options](const Output& output) { return PolicyInit(*options, output); };
  });
}

}  // namespace sealfold
