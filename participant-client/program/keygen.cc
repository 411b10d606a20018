#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

struct KeygenOptions {
  std::string path;
  std::string name;
};

absl::Status Keygen(const KeygenOptions& options, const Output& output) {
  const KeyFile file{.role = KeyRole::kParticipant,
                     .signing_seed = RandomSecret(SigningKey::kSeedSize),
                     .model_seed = RandomSecret(kHpkeSeedSize)};
  SEALFOLD_RETURN_IF_ERROR(WriteKeyFiles(options.path, file, options.name));
  const PublicKeyFile made = PublicPart(file, options.name);
  output.Json(JsonText(nlohmann::json{{"key_file", options.path},
                                      {"public_file", options.path + ".pub"},
                                      {"name", options.name},
                                      {"key", made.key.hex()},
                                      {"model_key", made.model_key->hex()}}));
  output.Line(
      absl::StrCat("Wrote ", options.path, " (secret: keep it, back it up, give it to no one)"));
  output.Line(
      absl::StrCat("  and ", options.path, ".pub (give this to the coordinator for the plan)"));
  output.Line(absl::StrCat("key        ", made.key.hex()));
  output.Line(absl::StrCat("model key  ", made.model_key->hex()));
  return absl::OkStatus();
}

}  // namespace

void AddKeygen(CLI::App& app, Verb& called) {
  auto options = std::make_shared<KeygenOptions>();
  CLI::App* verb = app.add_subcommand(
      "keygen", "Makes this participant's keys: one signs its updates, one opens sealed models");
  verb->add_option("--out", options->path,
                   "Key file to write; FILE.pub beside it is the public part")
      ->required();
  verb->add_option("--name", options->name, "Name for people, as it shall stand in the plan")
      ->required();
  verb->footer("Example:\n  sealfold-participant keygen --out north.key --name 'North Hospital'");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return Keygen(*options, output); };
  });
}

}  // namespace sealfold
