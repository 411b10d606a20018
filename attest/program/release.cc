#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/program/build_options.h"
#include "attest/program/verb.h"
#include "attest/release/release_log.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/json_text.h"
#include "protocol/model/mapped_file.h"
#include "protocol/program/description.h"
#include "protocol/program/file_lock.h"

namespace sealfold {
namespace {

struct ReleaseOptions {
  std::string action;
  std::string release;
  BuildOptions build;
  std::string platform;
  std::vector<std::string> banks;
  std::string subject;
  uint64_t version = 0;
  std::string source;
  std::string builder;
  std::string key;
  std::string log;
  bool new_log = false;
};

absl::StatusOr<ReleaseFile> ReadReleaseFile(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kReleaseFileSizeMax));
  // Opened for its checks: what is added to, holds.
  if (auto release = OpenRelease(AsBytes(bytes)); !release.ok()) {
    return About(path, release.status());
  }
  return cbor::DecodeFields<ReleaseFile>(AsBytes(bytes), {.size_bytes_max = kReleaseFileSizeMax});
}

absl::StatusOr<ReleaseStatement> MakeStatement(const ReleaseOptions& options) {
  ReleaseStatement statement{.subject = options.subject,
                             .version = options.version,
                             .source = options.source,
                             .builder = options.builder};
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.build.path));
  statement.sha256 = Sha256(file.span());
  statement.sha384 = Sha384(file.span());
  SEALFOLD_RETURN_IF_ERROR(options.build.CheckGiven(!options.banks.empty()));
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<BankHash> banks,
                            BanksOf(options.platform, options.banks));
  SEALFOLD_ASSIGN_OR_RETURN(const Measurements measured, MeasureBuild(options.build, banks));
  for (const auto& [bank, registers] : measured.banks) {
    PlatformValues& values = statement.platforms.emplace_back();
    values.platform = options.platform;
    for (const auto& [index, value] : registers) {
      values.registers.push_back({.index = index, .value = value});
    }
  }
  return statement;
}

// Held while the file at `path` is read and written anew: of two at once neither loses what the
// other wrote. On its folder, since the file is replaced.
absl::StatusOr<UniqueFd> LockFolderOf(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  UniqueFd lock(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.valid()) return FileError("reading", folder);
  if (!WaitForLock(lock.get())) return FileError("locking", folder);
  return lock;
}

// The signature is added to those in the file, if there is one: they must be of the same statement.
absl::Status Sign(const ReleaseOptions& options, const Output& output) {
  SEALFOLD_RETURN_IF_ERROR(CheckKindOfPlatform(options.build.kind, options.platform));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyFile key, ReadKeyFile(options.key, KeyRole::kBuilder));
  SEALFOLD_ASSIGN_OR_RETURN(const ReleaseStatement statement, MakeStatement(options));
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockFolderOf(options.release));
  ReleaseFile file;
  if (std::filesystem::exists(options.release)) {
    SEALFOLD_ASSIGN_OR_RETURN(file, ReadReleaseFile(options.release));
  }
  file.statements.push_back(SignStatement(key.signing_key(), EncodeStatement(statement)));
  const Bytes bytes = cbor::EncodeFields(file);
  SEALFOLD_RETURN_IF_ERROR(OpenRelease(bytes).status());
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.release, AsText(bytes)));
  output.Line(absl::StrCat("Wrote ", options.release, ": ", statement.subject, " version ",
                           statement.version, ", signed by ", file.statements.size()));
  output.Json(JsonText(nlohmann::json{{"release", options.release},
                                      {"subject", statement.subject},
                                      {"version", statement.version},
                                      {"signatures", file.statements.size()},
                                      {"signer", key.signing_key().public_key().hex()}}));
  return absl::OkStatus();
}

// A log begun anew where one was mistyped or lost would be a second head by the same key: what it
// proves is then worth nothing.
absl::Status CheckLogFile(const ReleaseOptions& options) {
  if (std::filesystem::exists(options.log) != options.new_log) return absl::OkStatus();
  if (options.new_log) {
    return BadInput({.code = "release_log_exists",
                     .what = options.log,
                     .expected = "no file of this name, as of --new",
                     .found = "one",
                     .advice = "leave --new out to add to this log"});
  }
  return BadInput({.code = "release_log_missing",
                   .what = options.log,
                   .expected = "the log that this key has signed so far",
                   .found = "no such file",
                   .advice = "name the log, or begin the key's first with --new"});
}

// Puts the release's statement into the log, and the proof of it into the release file.
absl::Status Log(const ReleaseOptions& options, const Output& output) {
  constexpr cbor::Limits kLimits = {.size_bytes_max = kReleaseLogSizeMax, .items_max = 1u << 18};
  // Two entries at once would each be put after the same ones: two heads of one size by one key.
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockFolderOf(options.log));
  SEALFOLD_RETURN_IF_ERROR(CheckLogFile(options));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyFile key, ReadKeyFile(options.key, KeyRole::kBuilder));
  SEALFOLD_ASSIGN_OR_RETURN(ReleaseFile file, ReadReleaseFile(options.release));
  SEALFOLD_ASSIGN_OR_RETURN(const Release release, OpenRelease(cbor::EncodeFields(file)));
  ReleaseLog log{.key = key.signing_key().public_key()};
  if (!options.new_log) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.log, kReleaseLogSizeMax));
    auto read = cbor::DecodeFields<ReleaseLog>(AsBytes(bytes), kLimits);
    if (!read.ok()) return About(options.log, read.status());
    log = *std::move(read);
  }
  auto entered = AddToLog(key.signing_key(), release.statement_bytes, log);
  if (!entered.ok()) return About(options.log, entered.status());
  file.log = *std::move(entered);
  // The log first: a proof of what it does not hold must not get about.
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.log, AsText(cbor::EncodeFields(log))));
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.release, AsText(cbor::EncodeFields(file))));
  output.Line(absl::StrCat("Wrote ", options.release, ": entry ", file.log->index, " of ",
                           log.leaves.size(), " in ", options.log));
  output.Json(JsonText(nlohmann::json{{"release", options.release},
                                      {"log", options.log},
                                      {"index", file.log->index},
                                      {"size", log.leaves.size()},
                                      {"log_key", key.signing_key().public_key().hex()}}));
  return absl::OkStatus();
}

Description DescribeRelease(const Release& release) {
  const ReleaseStatement& statement = release.statement;
  nlohmann::ordered_json signers = nlohmann::ordered_json::array();
  for (const SigningPublicKey& signer : release.signers) signers.push_back(signer.hex());
  nlohmann::ordered_json platforms;
  for (const PlatformValues& values : statement.platforms) {
    const auto banks = std::count_if(
        statement.platforms.begin(), statement.platforms.end(),
        [&values](const PlatformValues& each) { return each.platform == values.platform; });
    for (const RegisterValue& each : values.registers) {
      // Which bank, where there are several: by the length of its values.
      const std::string bank = banks == 1 ? "" : absl::StrCat(" sha", 8 * each.value.size());
      platforms[absl::StrCat(values.platform, bank, " pcr", each.index)] = HexEncode(each.value);
    }
  }
  return {
      "release",
      "A release whose signatures hold; whether its signers are to be believed is your policy's "
      "word",
      {{"subject", statement.subject, "what was built"},
       {"version", statement.version, "rises with every release"},
       {"sha256", statement.sha256.hex(), "of the file"},
       {"sha384", statement.sha384.hex(), "of the file"},
       {"source", statement.source, "revision it was built from"},
       {"builder", statement.builder, "as the builder says"},
       {"measurements", platforms, "what evidence says where it runs"},
       {"signers", signers, "each signed this very statement"},
       {"logged", release.log.has_value(), "carries a proof of inclusion in a log"}}};
}

absl::Status Verify(const ReleaseOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes,
                            ReadFile(options.release, kReleaseFileSizeMax));
  const absl::StatusOr<Release> release = OpenRelease(AsBytes(bytes));
  if (!release.ok()) return About(options.release, release.status());
  if (!options.build.path.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.build.path));
    const Measurement found = Sha384(file.span());
    if (found != release->statement.sha384 || Sha256(file.span()) != release->statement.sha256) {
      return Refused({.code = "release_file",
                      .what = options.build.path,
                      .expected = absl::StrCat("SHA-384 ", release->statement.sha384.hex()),
                      .found = found.hex(),
                      .advice = "this is another file than the one that was signed"});
    }
  }
  PrintDescription(output, DescribeRelease(*release));
  return absl::OkStatus();
}

}  // namespace

void AddRelease(CLI::App& app, Verb& called) {
  auto options = std::make_shared<ReleaseOptions>();
  CLI::App* verb = app.add_subcommand(
      "release",
      "sign: vouches for a build, adding to what others signed; log: enters it into a transparency "
      "log; verify: checks a release's signatures, and that a file is the one");
  verb->add_option("action", options->action, "sign, log or verify")
      ->required()
      ->check(CLI::IsMember({"sign", "log", "verify"}));
  verb->add_option("release", options->release, "The release file")->required();
  verb->add_option("--build", options->build.path, "The build")->check(NotEmpty());
  verb->add_option("--kind", options->build.kind, kBuildKindsHelp)
      ->check(CLI::IsMember(BuildKinds()));
  verb->add_option("--platform", options->platform, "sign: where it runs, e.g. aws-nitro");
  AddBankOption(*verb, options->banks);
  verb->add_option("--subject", options->subject, "sign: the program's name, as policies have it");
  verb->add_option("--release-version", options->version,
                   "sign: number of the release; it only rises");
  verb->add_option("--source", options->source, "sign: revision that it was built from");
  verb->add_option("--builder", options->builder, "sign: what built it, the same for all signers");
  verb->add_option("--key", options->key, "sign: the builder's key; log: the log's");
  verb->add_option("--log", options->log, "log: the log's file");
  verb->add_flag("--new", options->new_log, "log: begin the log, the key's first and only one");
  options->build.AddUkiOptions(*verb);
  verb->footer(
      "Every signer builds and measures by itself; statements must be the same to the byte.\n\n"
      "Example:\n  sealfold-attest release sign release-7.cbor --kind eif --build aggregator.eif "
      "\\\n"
      "    --platform aws-nitro --subject sealfold-aggregator --release-version 7 --source v0.7.0 "
      "\\\n"
      "    --builder docs/BUILD.md --key builder.key");
  verb->callback([options, verb, &called] {
    if (options->action == "sign") {
      for (const char* name : {"--build", "--kind", "--platform", "--subject", "--release-version",
                               "--source", "--builder", "--key"}) {
        if (verb->count(name) == 0) throw CLI::RequiredError(absl::StrCat("sign: ", name));
      }
    }
    if (options->action == "log" && (verb->count("--log") == 0 || verb->count("--key") == 0)) {
      throw CLI::RequiredError("log: --log and --key");
    }
    called = [options](const Output& output) {
      if (options->action == "sign") return Sign(*options, output);
      return options->action == "log" ? Log(*options, output) : Verify(*options, output);
    };
  });
}

}  // namespace sealfold
