#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

absl::Status Keygen(const std::string& path, const std::string& name, const Output& output) {
  const KeyFile file{.role = KeyRole::kBuilder,
                     .signing_seed = RandomSecret(SigningKey::kSeedSize),
                     .model_seed = {}};
  SEALFOLD_RETURN_IF_ERROR(WriteKeyFiles(path, file, name));
  const std::string key = file.signing_key().public_key().hex();
  output.Json(JsonText(nlohmann::json{
      {"key_file", path}, {"public_file", path + ".pub"}, {"name", name}, {"key", key}}));
  output.Line(absl::StrCat("Wrote ", path, " (secret: keep it, give it to no one)"));
  output.Line(absl::StrCat("  and ", path, ".pub (for the policies of those who trust you)"));
  output.Line(absl::StrCat("key  ", key));
  return absl::OkStatus();
}

}  // namespace

void AddKeygen(CLI::App& app, Verb& called) {
  auto path = std::make_shared<std::string>();
  auto name = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand(
      "keygen", "Makes the key by which a builder vouches for releases, or a log for its entries");
  verb->add_option("--out", *path, "Key file to write; FILE.pub beside it is the public part")
      ->required();
  verb->add_option("--name", *name, "Name for people")->required();
  verb->footer("Example:\n  sealfold-attest keygen --out builder.key --name 'North builder'");
  verb->callback([path, name, &called] {
    called = [path, name](const Output& output) { return Keygen(*path, *name, output); };
  });
}

}  // namespace sealfold
