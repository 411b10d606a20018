// sealfold-coordinator: the untrusted host, and the verbs of whoever runs a study.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/host/command/make_plan.h"
#include "aggregator/host/command/watch.h"
#include "aggregator/host/control/client.h"
#include "aggregator/host/serve/server.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/json_text.h"
#include "protocol/plan/plan_json.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "protocol/program/stop_signal.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

constexpr int kControlAnswerMs = 10'000;
constexpr int kCloseAnswerMs = 60'000;

absl::Status Keygen(const std::string& path, const std::string& name, const Output& output) {
  const KeyFile file = {.role = KeyRole::kCoordinator,
                        .signing_seed = RandomSecret(SigningKey::kSeedSize),
                        .model_seed = {}};
  SEALFOLD_RETURN_IF_ERROR(WriteKeyFiles(path, file, name));
  const std::string key = file.signing_key().public_key().hex();
  output.Line(absl::StrCat("Wrote ", path, " (secret: keep it) and ", path,
                           ".pub (for participants' policies)."));
  output.Line(absl::StrCat("key ", key));
  output.Json(JsonText(ordered_json{{"key", key}, {"file", path}, {"public_file", path + ".pub"}}));
  return absl::OkStatus();
}

absl::Status MakePlanFiles(const MakePlanOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const MadePlan made, MakePlan(options));
  const Plan& plan = made.plan.plan;
  for (const std::string& warning : made.warnings)
    output.Line(absl::StrCat(output.Warn("warning: "), warning));
  output.Line(absl::StrCat("Signed ", options.out, ": ", plan.name, ", ", plan.participants.size(),
                           " participants, quorum ", plan.quorum, ", ", plan.rounds, " rounds, ",
                           plan.tensors.size(), " tensors, ", plan.payload_layout().size_bytes,
                           " bytes an update."));
  output.Line(absl::StrCat("Wrote ", made.model_path, ", the model that round 1 starts from."));
  output.Line(absl::StrCat("plan ", made.plan.digest.hex()));
  output.Json(JsonText(ordered_json{{"plan", made.plan.digest.hex()},
                                    {"file", options.out},
                                    {"model", made.model_path},
                                    {"coordinator", made.plan.coordinator.hex()},
                                    {"participants", plan.participants.size()},
                                    {"rounds", plan.rounds},
                                    {"update_bytes", plan.payload_layout().size_bytes},
                                    {"warnings", made.warnings}}));
  return absl::OkStatus();
}

absl::Status ServeRun(const ServeOptions& options, const Output& output) {
  KeepFreedMessages();
  spdlog::set_default_logger(spdlog::stderr_logger_st("coordinator"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  const StopSignal stop;
  return Serve(
      options, stop.fd(),
      [&output](const std::string& endpoint) {
        output.Line(absl::StrCat("ready ", endpoint));
        output.Json(JsonText(ordered_json{{"event", "ready"}, {"endpoint", endpoint}}));
      },
      [](const std::string& fact) { spdlog::info("{}", fact); });
}

// Asks the serve of `folder`, and shows where the run then is.
template <class Question>
absl::Status Control(const std::string& folder, const Question& question, int timeout_ms,
                     const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(HostClient client, HostClient::ConnectControl(folder));
  SEALFOLD_ASSIGN_OR_RETURN(const RunView view, client.AskFor<RunView>(question, timeout_ms));
  output.Line(ViewLine(view));
  output.Json(ViewJson(view));
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Signs plans, relays between participants and the aggregator, and runs the rounds of a "
      "study.\n"
      "It is not trusted by anyone: it sees sealed updates and public facts only.",
      "sealfold-coordinator");
  bool json = false;
  std::string key;
  std::string name = "coordinator";
  MakePlanOptions plan;
  ServeOptions serve;
  WatchOptions watch;
  std::string folder;

  CLI::App* keygen_verb = app.add_subcommand("keygen", "Make the key that signs plans");
  keygen_verb->add_option("--out", key, "File for the secret key; FILE.pub gets the public part")
      ->required();
  keygen_verb->add_option("--name", name, "What people call its owner")->capture_default_str();
  keygen_verb->footer("Example:\n  sealfold-coordinator keygen --out coordinator.key");

  CLI::App* plan_verb =
      app.add_subcommand("plan", "Check and sign a plan, and lay out its initial model");
  plan_verb->add_option("PLAN", plan.plan_json, "The plan as JSON (see `schema`)")->required();
  plan_verb->add_option("--key", plan.key, "The coordinator's key file")->required();
  plan_verb->add_option("--model", plan.model, "The initial model, safetensors (F32, F16, BF16)")
      ->required();
  plan_verb
      ->add_option("--participant", plan.participant_files,
                   "Public key file of a participant; may be repeated, after those the plan names")
      ->allow_extra_args(false);
  plan_verb
      ->add_option("--out", plan.out,
                   "File for the signed plan; its folder is what `serve --state` takes")
      ->required();
  plan_verb->footer(
      "Example:\n"
      "  sealfold-coordinator plan plan.json --key coordinator.key --model initial.safetensors \\\n"
      "    --participant north.pub --participant south.pub --participant west.pub --out "
      "study/plan.cose");

  CLI::App* schema_verb = app.add_subcommand("schema", "Print the JSON Schema of plans");
  schema_verb->footer("Example:\n  sealfold-coordinator schema > plan.schema.json");

  CLI::App* serve_verb =
      app.add_subcommand("serve", "Relay and run the rounds of the plan in a folder");
  serve_verb
      ->add_option("--state", serve.folder, "Folder of the signed plan; the run's files go there")
      ->required();
  serve_verb
      ->add_option("--listen", serve.listen,
                   "Endpoint for participants; port 0: a free one, printed")
      ->capture_default_str();
  serve_verb->add_option("--aggregator", serve.aggregator,
                         "Endpoint for the aggregator; default: ipc://FOLDER/aggregator.sock");
  CLI::Option* key_service =
      serve_verb->add_option("--key-service", serve.keys.endpoint,
                             "HOST:PORT of the key service that the aggregator may reach through "
                             "this program, which sees TLS only");
  CLI::Option* key_access = serve_verb->add_option(
      "--key-access", serve.keys.access_key_path,
      "Access key with which the aggregator asks it; read for each question");
  serve_verb->add_option("--release", serve.release,
                         "Release file of the aggregator's program, for participants whose policy "
                         "names its builders; kept for the next start");
  serve_verb
      ->add_option("--identity-from", serve.identity_from,
                   "State file of an earlier run (its last state-R.cbor): the aggregator has the "
                   "identity that it had there, if the key service opens it; kept for the next "
                   "start")
      ->needs(key_service);
  key_service->needs(key_access);
  key_access->needs(key_service);
  serve_verb->footer(
      "Prints 'ready ENDPOINT' once it listens; ends on SIGTERM. May be killed and started again "
      "at any time.\n\n"
      "Example:\n"
      "  sealfold-coordinator serve --state study --listen tcp://0.0.0.0:7300");

  CLI::App* launch_verb = app.add_subcommand("launch", "Start the run that `serve` waits with");
  launch_verb->footer("Example:\n  sealfold-coordinator launch --state study");

  CLI::App* watch_verb = app.add_subcommand("watch", "Show the run until it ends");
  CLI::Option_group* watched = watch_verb->add_option_group("What to watch");
  watched->require_option(1);
  watched->add_option("--state", watch.folder, "Folder that `serve` runs on");
  watched->add_option("--connect", watch.endpoint, "From elsewhere: the endpoint for participants");
  watch_verb->footer(
      "Examples:\n"
      "  sealfold-coordinator watch --state study\n"
      "  sealfold-coordinator watch --connect tcp://study.example.org:7300 --json");

  CLI::App* close_verb = app.add_subcommand(
      "close", "End the current round now, if the plan allows and there is quorum");
  close_verb->footer("Example:\n  sealfold-coordinator close --state study");

  launch_verb->add_option("--state", folder, "Folder that `serve` runs on")->required();
  close_verb->add_option("--state", folder, "Folder that `serve` runs on")->required();
  for (CLI::App* verb :
       {keygen_verb, plan_verb, schema_verb, serve_verb, launch_verb, watch_verb, close_verb}) {
    verb->add_flag("--json", json, "Print JSON: one object, or JSON Lines");
  }
  serve.listen = "tcp://127.0.0.1:0";
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  if (serve.aggregator.empty())
    serve.aggregator = absl::StrCat("ipc://", serve.folder, "/aggregator.sock");
  if (keygen_verb->parsed()) return output.Finish(Keygen(key, name, output));
  if (plan_verb->parsed()) return output.Finish(MakePlanFiles(plan, output));
  if (serve_verb->parsed()) return output.Finish(ServeRun(serve, output));
  if (launch_verb->parsed())
    return output.Finish(Control(folder, LaunchRequest{}, kControlAnswerMs, output));
  if (close_verb->parsed())
    return output.Finish(Control(folder, CloseRequest{}, kCloseAnswerMs, output));
  if (watch_verb->parsed()) return output.Finish(Watch(watch, output));
  output.Line(PlanJsonSchema());
  output.Json(JsonText(ordered_json::parse(PlanJsonSchema())));
  return kExitDone;
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::RunProgram(sealfold::Main, argc, argv); }
