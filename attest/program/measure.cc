#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "attest/program/build_options.h"
#include "attest/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

struct MeasureOptions {
  BuildOptions build;
  std::vector<std::string> banks;
};

constexpr size_t kNoteShownMax = 300;

std::vector<BankHash> Banks(const std::vector<std::string>& names) {
  if (names.empty()) return {BankHash::kSha256, BankHash::kSha384, BankHash::kSha512};
  std::vector<BankHash> banks;
  for (const std::string& name : names) banks.push_back(*FindBankHash(name));
  return banks;
}

absl::Status Measure(const MeasureOptions& options, const Output& output) {
  SEALFOLD_RETURN_IF_ERROR(options.build.CheckGiven(!options.banks.empty()));
  SEALFOLD_ASSIGN_OR_RETURN(const Measurements measured,
                            MeasureBuild(options.build, Banks(options.banks)));
  ordered_json object = {{"kind", options.build.kind}};
  for (const auto& [hash, registers] : measured.banks) {
    const bool several = measured.banks.size() > 1;
    if (several) output.Line(output.Bold(BankHashName(hash)));
    for (const auto& [index, value] : registers) {
      const std::string name = absl::StrCat("pcr", index);
      // What a policy takes stands at the top: SHA-384.
      if (hash == BankHash::kSha384) object[name] = HexEncode(value);
      if (options.build.kind == "uki" || options.build.kind == "image") {
        object["banks"][std::string(BankHashName(hash))][name] = HexEncode(value);
      }
      output.Line(absl::StrCat("PCR", index, index < 10 ? "  " : " ", HexEncode(value)));
    }
  }
  for (const auto& [name, text] : measured.notes) {
    object[absl::StrReplaceAll(name, {{" ", "_"}})] = text;
    output.Line(absl::StrCat(name, ": ", OneLine(text, kNoteShownMax)));
  }
  output.Json(JsonText(object));
  return absl::OkStatus();
}

}  // namespace

void AddMeasure(CLI::App& app, Verb& called) {
  auto options = std::make_shared<MeasureOptions>();
  CLI::App* verb =
      app.add_subcommand("measure", "Prints what evidence about a build will say: its registers");
  verb->add_option("kind", options->build.kind, kBuildKindsHelp)
      ->required()
      ->check(CLI::IsMember(BuildKinds()));
  verb->add_option("file", options->build.path, "The build")->required();
  verb->add_option("--bank", options->banks,
                   "uki: a TPM's bank, several if given again; sha256, sha384, sha512 if left out")
      ->check(CLI::IsMember({"sha1", "sha256", "sha384", "sha512"}));
  options->build.AddUkiOptions(*verb);
  verb->footer(
      "Nothing of the file is run. A policy takes the SHA-384 values as reference values; `policy "
      "init` writes one.\n\n"
      "Example:\n  sealfold-attest measure eif aggregator.eif");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Measure(*options, output); };
  });
}

}  // namespace sealfold
