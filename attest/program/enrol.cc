#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "attest/program/enrol_machine.h"
#include "attest/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/fields.h"
#include "protocol/json/json_text.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

constexpr size_t kSavedSizeMax = 1024;
constexpr size_t kAnswerTextSizeMax = 128;
constexpr size_t kSecretSize = 32;

struct EnrolOptions {
  std::string action;
  std::string file;
  EnrolMachine machine;
  std::string root;
  std::string endorsement_key;
  std::string state;
  std::string out;
};

// A file of deterministic CBOR.
template <class T>
absl::StatusOr<T> ReadObject(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kEnrolmentFileSizeMax));
  absl::StatusOr<T> object = cbor::DecodeFields<T>(AsBytes(bytes));
  if (!object.ok()) return About(path, object.status());
  return object;
}

// The machine's half, first: both keys.
absl::Status Request(const EnrolOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const EnrolmentRequest request, ShowKeys(options.machine));
  SEALFOLD_ASSIGN_OR_RETURN(const TpmPublic endorsement, ParseTpmPublic(request.endorsement_key));
  SEALFOLD_ASSIGN_OR_RETURN(const TpmPublic attestation, ParseTpmPublic(request.attestation_key));
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out, AsText(cbor::EncodeFields(request))));
  const std::string endorsement_name = HexEncode(endorsement.Name());
  const std::string attestation_name = HexEncode(attestation.Name());
  output.Line(absl::StrCat("Wrote ", options.out, " (for whoever keeps the policy)"));
  output.Line(absl::StrCat("endorsement key  ", endorsement_name));
  output.Line(absl::StrCat("attestation key  ", attestation_name));
  output.Json(JsonText(nlohmann::json{{"request", options.out},
                                      {"endorsement_key", endorsement_name},
                                      {"attestation_key", attestation_name}}));
  return absl::OkStatus();
}

// The verifier's half, first: a credential that only that machine's TPM opens.
absl::Status MakeChallenge(const EnrolOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const auto request, ReadObject<EnrolmentRequest>(options.file));
  EndorsementTrust trust;
  if (!options.root.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(trust.root_pem, ReadFile(options.root, kRootBytesMax));
  }
  if (!options.endorsement_key.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(trust.endorsement_keys.emplace_back(),
                              HexOption("--endorsement-key", options.endorsement_key));
  }
  if (std::filesystem::exists(options.state)) {
    return BadInput({.code = "enrolment_exists",
                     .what = options.state,
                     .expected = "no file of this name",
                     .found = "one: an enrolment under way is not overwritten",
                     .advice = "finish that one, or name another file"});
  }
  const absl::StatusOr<Enrolment> enrolment = Enrolment::Start(
      request, trust, static_cast<int64_t>(WallMs() / 1000), RandomSecret(kSecretSize));
  if (!enrolment.ok()) return About(options.file, enrolment.status());
  SEALFOLD_RETURN_IF_ERROR(
      WriteFileAtomic(options.state, AsText(enrolment->Save().span()), /*secret=*/true));
  SEALFOLD_RETURN_IF_ERROR(
      WriteFileAtomic(options.out, AsText(cbor::EncodeFields(enrolment->credential()))));
  output.Line(absl::StrCat("Wrote ", options.out, " (for the machine to open)"));
  output.Line(absl::StrCat("  and ", options.state, " (secret: keep it for `enrol finish`)"));
  output.Json(JsonText(nlohmann::json{{"credential", options.out}, {"state", options.state}}));
  return absl::OkStatus();
}

// The machine's half, second. The answer is text: it may come by telephone.
absl::Status Activate(const EnrolOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const auto credential, ReadObject<TpmCredential>(options.file));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes answer, OpenCredential(options.machine, credential));
  SEALFOLD_RETURN_IF_ERROR(
      WriteFileAtomic(options.out, absl::StrCat(HexEncode(answer), "\n"), /*secret=*/true));
  output.Line(absl::StrCat("Wrote ", options.out, " (for whoever made the credential alone)"));
  output.Json(JsonText(nlohmann::json{{"answer", options.out}}));
  return absl::OkStatus();
}

// The verifier's half, second: the key's name, once.
absl::Status Finish(const EnrolOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.file, kAnswerTextSizeMax));
  const absl::StatusOr<Bytes> answer = HexDecode(absl::StripSuffix(text, "\n"));
  if (!answer.ok()) return About(options.file, answer.status());
  SEALFOLD_ASSIGN_OR_RETURN(std::string saved, ReadFile(options.state, kSavedSizeMax));
  absl::StatusOr<Enrolment> enrolment = Enrolment::Resume(AsBytes(saved));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(saved.data()), saved.size()));
  if (!enrolment.ok()) return About(options.state, enrolment.status());
  // Whatever comes of it: a second answer to the same credential is refused.
  std::error_code error;
  if (!std::filesystem::remove(options.state, error)) {
    return BadInput({.code = "file_unusable",
                     .what = options.state,
                     .expected = "a file that can be removed",
                     .found = error.message()});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes name, enrolment->Finish(*answer));
  output.Line(absl::StrCat("attestation key  ", HexEncode(name)));
  output.Line("It is in that TPM: a policy may list it under attestation_keys");
  output.Json(JsonText(nlohmann::json{{"attestation_key", HexEncode(name)}}));
  return absl::OkStatus();
}

// Which options each action needs, beside the file.
std::vector<const char*> Needed(const std::string& action) {
  if (action == "request") return {"--tpm", "--out"};
  if (action == "credential") return {"file", "--state", "--out"};
  if (action == "activate") return {"file", "--tpm", "--out"};
  return {"file", "--state"};
}

}  // namespace

void AddEnrol(CLI::App& app, Verb& called) {
  auto options = std::make_shared<EnrolOptions>();
  CLI::App* verb = app.add_subcommand(
      "enrol",
      "Finds out that a machine's TPM holds an attestation key (credential activation). On the "
      "machine, request: shows its keys; on yours, credential: makes what only that TPM opens; on "
      "the machine, activate: opens it; on yours, finish: prints the key for your policy");
  verb->add_option("action", options->action, "request, credential, activate or finish")
      ->required()
      ->check(CLI::IsMember({"request", "credential", "activate", "finish"}));
  verb->add_option("file", options->file,
                   "credential: the request; activate: the credential; finish: the answer");
  verb->add_option("--tpm", options->machine.tcti,
                   "request, activate: this machine's TPM, as device:/dev/tpmrm0");
  verb->add_option(
      "--tpm-key", options->machine.attestation_key,
      "request, activate: persistent handle of the attestation key, as `serve` has it");
  verb->add_option("--endorsement-kind", options->machine.endorsement_kind,
                   "request, activate: which endorsement key")
      ->capture_default_str()
      ->check(CLI::IsMember({"rsa2048", "p256"}));
  verb->add_option("--certificate", options->machine.certificates,
                   "request: a certificate of the endorsement key (PEM), given once for each from "
                   "the root to the key's");
  verb->add_option("--root", options->root,
                   "credential: the TPM maker's root, to which the certificates lead (PEM)");
  verb->add_option(
      "--endorsement-key", options->endorsement_key,
      "credential: name of the endorsement key, read on the machine by yourself (hex)");
  verb->add_option("--state", options->state,
                   "credential: secret file to write; finish: the same, which is then removed");
  verb->add_option("--out", options->out, "Request, credential or answer to write");
  verb->footer(
      "Example, of the four steps:\n"
      "  sealfold-attest enrol request --tpm device:/dev/tpmrm0 --out request.cbor\n"
      "  sealfold-attest enrol credential request.cbor --root maker.pem --state enrolment \\\n"
      "    --out credential.cbor\n"
      "  sealfold-attest enrol activate credential.cbor --tpm device:/dev/tpmrm0 --out answer\n"
      "  sealfold-attest enrol finish answer --state enrolment");
  verb->callback([options, verb, &called] {
    for (const char* name : Needed(options->action)) {
      if (verb->count(name) == 0) {
        throw CLI::RequiredError(absl::StrCat(options->action, ": ", name));
      }
    }
    if (options->action == "credential" && options->root.empty() &&
        options->endorsement_key.empty()) {
      throw CLI::RequiredError("credential: --root or --endorsement-key");
    }
    called = [options](const Output& output) {
      if (options->action == "request") return Request(*options, output);
      if (options->action == "credential") return MakeChallenge(*options, output);
      return options->action == "activate" ? Activate(*options, output) : Finish(*options, output);
    };
  });
}

}  // namespace sealfold
