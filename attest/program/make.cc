#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/connect/attester_options.h"
#include "attest/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

struct MakeOptions {
  AttesterSettings attester;
  std::string nonce;
  std::string user_data;
  std::string public_key;
  std::string out;
};

absl::Status Make(const MakeOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes nonce, HexOption("--nonce", options.nonce));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes user_data, HexOption("--user-data", options.user_data));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes public_key, HexOption("--public-key", options.public_key));
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Attester> attester,
                            ConnectAttester(options.attester));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes evidence, attester->Attest(nonce, user_data, public_key));
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out, AsText(evidence)));
  output.Line(absl::StrCat("Wrote ", options.out, ": evidence of ", attester->platform(), ", ",
                           evidence.size(), " bytes"));
  output.Json(JsonText(
      nlohmann::json{{"evidence", options.out}, {"platform", std::string(attester->platform())}}));
  return absl::OkStatus();
}

}  // namespace

void AddMake(CLI::App& app, Verb& called) {
  auto options = std::make_shared<MakeOptions>();
  CLI::App* verb = app.add_subcommand(
      "make", "Asks this machine's platform for evidence, as a program that is attested does");
  AddAttesterOptions(*verb, options->attester);
  verb->add_option("--nonce", options->nonce, "The nonce it is to carry (hex)")->check(NotEmpty());
  verb->add_option("--user-data", options->user_data, "The user data it is to carry (hex)")
      ->check(NotEmpty());
  verb->add_option("--public-key", options->public_key, "The public key it is to carry (hex)")
      ->check(NotEmpty());
  verb->add_option("--out", options->out, "Evidence to write")->required();
  verb->footer(
      "What stands in it is what this machine runs: take it for reference values only from a "
      "machine that you know.\n\n"
      "Example:\n  sealfold-attest make --platform tpm2 --attester device:/dev/tpmrm0 --nonce "
      "00112233 --out evidence.cbor");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Make(*options, output); };
  });
}

}  // namespace sealfold
