// sealfold-keybroker: keys that are released to evidence.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "attest/keybroker/program/caller_commands.h"
#include "attest/keybroker/program/encrypt_command.h"
#include "attest/keybroker/program/init_command.h"
#include "attest/keybroker/program/key_commands.h"
#include "attest/keybroker/program/serve_command.h"
#include "attest/keybroker/program/trust_commands.h"
#include "attest/keybroker/server/wiping_heap.h"
#include "protocol/base/error.h"
#include "protocol/program/command_line.h"

namespace sealfold {
namespace {

struct Arguments {
  BrokerFolder folder;
  InitOptions init;
  ServeOptions serve;
  EncryptOptions encrypt;
  std::string action;
  std::string name;
  std::vector<std::string> conditions;
  bool unattested = false;
  ReleasedKeyOptions released;
  RevocationOptions revocation;
  std::string out_path;
  std::string head;
  bool json = false;
};

void AddFolder(CLI::App& verb, Arguments& arguments, bool passphrase = true) {
  verb.add_option("--state", arguments.folder.path, "The broker's folder")->required();
  if (passphrase) {
    CLI::Option_group* sealed_by = verb.add_option_group("What the store is sealed by");
    sealed_by->add_option("--passphrase-file", arguments.folder.passphrase_path,
                          "File with the store's passphrase, for its owner alone");
#ifdef SEALFOLD_TPM
    sealed_by->add_option("--tpm", arguments.folder.tpm,
                          "This machine's TPM instead, as device:/dev/tpmrm0");
#endif
    sealed_by->require_option(1);
  }
  verb.add_flag("--json", arguments.json, "Print JSON Lines");
}

void AddAction(CLI::App& verb, Arguments& arguments, const std::vector<std::string>& actions) {
  verb.add_option("ACTION", arguments.action, "What to do")
      ->required()
      ->check(CLI::IsMember(actions));
}

CLI::App* AddInit(CLI::App& app, Arguments& arguments) {
  CLI::App* init = app.add_subcommand("init", "Make a broker's folder: an empty store, a log");
  AddFolder(*init, arguments);
  init->add_option(
      "--host", arguments.init.hosts,
      "Name or address in the certificate that is made; may be repeated; localhost and "
      "127.0.0.1 if left out");
  init->add_option("--software-root", arguments.init.software_root_path,
                   "Take evidence of the sealfold-softnsm with this root.pem, instead of AWS's: "
                   "for development");
  init->footer(
      "Takes evidence of AWS's platforms; with a TPM's quote alone no key is released. Keys are "
      "under\n"
      "the passphrase, or the TPM that --tpm names; losing it loses them.\n\n"
      "Example:\n"
      "  sealfold-keybroker init --state ./broker --passphrase-file ./passphrase");
  return init;
}

CLI::App* AddKey(CLI::App& app, Arguments& arguments) {
  CLI::App* key = app.add_subcommand("key", "Create a key, list them, or apply a release");
  AddAction(*key, arguments, {"create", "list", "release"});
  key->add_option("NAME", arguments.name, "The key's name: KMS's alias/NAME");
  CLI::Option* condition = key->add_option(
      "--condition", arguments.conditions,
      "KEY=VALUE that evidence must meet; may be repeated: all keys, any value of each");
  CLI::Option* unattested =
      key->add_flag("--unattested", arguments.unattested, "Release it to callers without evidence");
  CLI::Option* release = key->add_option(
      "--release", arguments.released.release_path,
      "Release file: its values are the key's conditions, and only a later one changes them");
  release->excludes(condition, unattested);
  key->add_option("--platform", arguments.released.platform,
                  "With create: the platform whose values are meant")
      ->needs(release);
  key->add_option("--signer", arguments.released.signers,
                  "With create: the key of one who signs releases, hex; may be repeated")
      ->needs(release);
  key->add_option("--signers-needed", arguments.released.k,
                  "With create: how many of them must have signed")
      ->needs(release);
  key->add_option("--log-key", arguments.released.log_key,
                  "With create: the key of the log that releases must be in, hex")
      ->needs(release);
  AddFolder(*key, arguments);
  key->footer(
      "Conditions are KMS's: kms:RecipientAttestation:ImageSha384, :PCR0 and on,\n"
      ":NitroTPMPCR4 and on; the value is the register in hex. A broker that serves knows the key "
      "at\n"
      "once. `release` takes a later release of the same signers; the change is a line of the "
      "log,\n"
      "so stop the broker first.\n\n"
      "Example:\n"
      "  sealfold-keybroker key create records --state ./broker --passphrase-file ./passphrase "
      "--condition kms:RecipientAttestation:PCR0=$PCR0");
  return key;
}

CLI::App* AddCaller(CLI::App& app, Arguments& arguments) {
  CLI::App* caller = app.add_subcommand("caller", "Create a caller's access key, or list callers");
  AddAction(*caller, arguments, {"create", "list"});
  caller->add_option("NAME", arguments.name, "The new caller's name, for the log");
  caller->add_option("--out", arguments.out_path, "File to write the access key to");
  AddFolder(*caller, arguments);
  caller->footer(
      "The access key says who asks; what is released depends on evidence.\n\n"
      "Example:\n"
      "  sealfold-keybroker caller create aggregator --out ./access.json --state ./broker "
      "--passphrase-file ./passphrase");
  return caller;
}

CLI::App* AddTrust(CLI::App& app, Arguments& arguments) {
  CLI::App* trust = app.add_subcommand(
      "trust", "List the platforms whose evidence is taken, or set their revocation lists");
  AddAction(*trust, arguments, {"list", "revocation"});
  AddFolder(*trust, arguments);
  RevocationOptions& options = arguments.revocation;
  trust->add_option("--platform", options.platform,
                    "With revocation: whose evidence the lists count for; every platform's if left "
                    "out");
  trust->add_option("--list", options.list_paths,
                    "With revocation: X.509 certificate revocation list, PEM or DER; may be "
                    "repeated");
  trust->add_flag("--accept-expired", options.accept_expired,
                  "With revocation: a list that should have been renewed still revokes, and "
                  "refuses nothing else");
  trust
      ->add_option("--demand", options.demand,
                   "With revocation: of which issuers there must be a list: published, of whom a "
                   "certificate names one; every; none")
      ->check(CLI::IsMember({"none", "published", "every"}))
      ->capture_default_str();
  trust->footer(
      "Lists are copied into the store, in place of those before, and a broker that serves knows "
      "them\n"
      "at once. Nothing fetches newer ones: set them again before they expire.\n\n"
      "Example:\n"
      "  sealfold-keybroker trust revocation --list root.crl --list region.crl --demand published "
      "--state ./broker --passphrase-file ./passphrase");
  return trust;
}

CLI::App* AddServe(CLI::App& app, Arguments& arguments) {
  CLI::App* serve = app.add_subcommand("serve", "Answer KMS's requests over HTTPS");
  AddFolder(*serve, arguments);
  serve->add_option("--listen", arguments.serve.listen, "HOST:PORT; port 0 takes any")->required();
  CLI::Option* certificate = serve->add_option("--certificate", arguments.serve.certificate_path,
                                               "Certificate to serve, PEM; else the folder's own");
  CLI::Option* key = serve->add_option("--key", arguments.serve.key_path, "Its key, PEM");
  certificate->needs(key);
  key->needs(certificate);
  serve->footer(
      "Decrypt, Encrypt, GenerateDataKey, GenerateRandom. Prints 'ready' once it listens; ends on\n"
      "SIGTERM. Keep the log's head that it prints elsewhere.\n\n"
      "Example:\n"
      "  sealfold-keybroker serve --state ./broker --passphrase-file ./passphrase --listen "
      "127.0.0.1:8443");
  return serve;
}

CLI::App* AddLog(CLI::App& app, Arguments& arguments) {
  CLI::App* log = app.add_subcommand("log", "Verify the log of decisions");
  AddAction(*log, arguments, {"verify"});
  AddFolder(*log, arguments, /*passphrase=*/false);
  log->add_option("--head", arguments.head, "A head that was printed before: the log must have it");
  log->footer(
      "Finds lines that were changed, taken out or put in; with --head also what is missing at "
      "the\n"
      "end.\n\n"
      "Example:\n"
      "  sealfold-keybroker log verify --state ./broker");
  return log;
}

CLI::App* AddEncrypt(CLI::App& app, Arguments& arguments) {
  CLI::App* encrypt =
      app.add_subcommand("encrypt", "Encrypt a file at home; its key is left with a key service");
  EncryptOptions& options = arguments.encrypt;
  encrypt->add_option("FILE", options.data_path, "The data, up to 256 MiB")->required();
  encrypt->add_option("--out", options.out_path, "Where the encrypted data goes")->required();
  encrypt
      ->add_option("--terms", options.terms_path,
                   "File that says what the data may be used for: programs that follow another get "
                   "no key")
      ->required();
  encrypt
      ->add_option("--owner-key", options.owner_key_path,
                   "Your key, of sealfold-participant keygen: signs what you encrypted")
      ->required();
  encrypt->add_option("--key", options.key_id, "The service's key: alias/NAME, or its id")
      ->required();
  encrypt
      ->add_option("--service", options.service.endpoint, "HOST:PORT of the broker, or of AWS KMS")
      ->required();
  encrypt
      ->add_option("--ca", options.service.ca_path,
                   "Certificate to trust, PEM: the broker's tls.pem")
      ->required();
  encrypt
      ->add_option("--access-key", options.service.access_key_path, "File of a caller's access key")
      ->required();
  encrypt->add_option("--region", options.service.region, "KMS's region")->capture_default_str();
  encrypt->add_flag("--json", arguments.json, "Print JSON Lines");
  encrypt->footer(
      "Needs no store and no passphrase. The service sees the data's key, not the data.\n\n"
      "Example:\n"
      "  sealfold-keybroker encrypt patients.csv --out patients.sealed --terms agreement.json "
      "--owner-key key\n"
      "  --key alias/records --service 127.0.0.1:8443 --ca broker/tls.pem --access-key "
      "access.json");
  return encrypt;
}

// `create` needs what `list` does not take.
bool CreateIsWhole(const CLI::App& verb, std::initializer_list<const char*> needed) {
  for (const char* name : needed) {
    if (verb.count(name) == 0) return false;
  }
  return true;
}

absl::Status Missing(const Arguments& arguments, absl::string_view what) {
  return BadInput({.code = "usage_wrong",
                   .what = absl::StrCat("arguments of ", arguments.action),
                   .expected = std::string(what),
                   .found = "none"});
}

int Main(int argc, char** argv) {
  CheckHeapWipes();
  const rlimit no_core = {0, 0};
  SEALFOLD_CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
#ifdef SEALFOLD_TPM
  // What tpm2-tss says of an error by itself would stand before ours; who sets it otherwise sees
  // it.
  setenv("TSS2_LOG", "all+NONE", /*overwrite=*/0);
#endif
  CLI::App app("Keeps keys, and releases them to evidence by AWS KMS's API.", "sealfold-keybroker");
  Arguments arguments;
  const CLI::App* init = AddInit(app, arguments);
  const CLI::App* key = AddKey(app, arguments);
  const CLI::App* caller = AddCaller(app, arguments);
  const CLI::App* trust = AddTrust(app, arguments);
  const CLI::App* serve = AddServe(app, arguments);
  const CLI::App* encrypt = AddEncrypt(app, arguments);
  AddLog(app, arguments);
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(arguments.json);
  const BrokerFolder& folder = arguments.folder;
  if (init->parsed()) return output.Finish(InitCommand(folder, arguments.init, output));
  if (serve->parsed()) return output.Finish(ServeCommand(folder, arguments.serve, output));
  if (encrypt->parsed()) return output.Finish(EncryptCommand(arguments.encrypt, output));
  if (trust->parsed()) {
    // Said with nothing, it would take away the lists that there are.
    if (arguments.action == "revocation" && trust->count("--list") == 0 &&
        trust->count("--demand") == 0) {
      (void)output.Finish(Missing(arguments, "--list, or --demand none: no lists from now on"));
      return kExitUsage;
    }
    return output.Finish(arguments.action == "list"
                             ? ListTrustCommand(folder, output)
                             : SetRevocationCommand(folder, arguments.revocation, output));
  }
  const bool create = arguments.action == "create";
  if (key->parsed()) {
    if (arguments.action == "list") return output.Finish(ListKeysCommand(folder, output));
    if (!CreateIsWhole(*key, {"NAME"})) {
      (void)output.Finish(Missing(arguments, "NAME"));
      return kExitUsage;
    }
    if (arguments.action == "release" || key->count("--release") > 0) {
      if (!CreateIsWhole(*key, {"NAME", "--release"})) {
        (void)output.Finish(Missing(arguments, "NAME and --release"));
        return kExitUsage;
      }
      return output.Finish(
          create ? CreateReleasedKeyCommand(folder, arguments.name, arguments.released, output)
                 : ApplyReleaseCommand(folder, arguments.name, arguments.released.release_path,
                                       output));
    }
    return output.Finish(CreateKeyCommand(folder, arguments.name, arguments.conditions,
                                          arguments.unattested, output));
  }
  if (caller->parsed()) {
    if (!create) return output.Finish(ListCallersCommand(folder, output));
    if (!CreateIsWhole(*caller, {"NAME", "--out"})) {
      (void)output.Finish(Missing(arguments, "NAME and --out"));
      return kExitUsage;
    }
    return output.Finish(CreateCallerCommand(folder, arguments.name, arguments.out_path, output));
  }
  return output.Finish(VerifyLogCommand(folder.path, arguments.head, output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::RunProgram(sealfold::Main, argc, argv); }
