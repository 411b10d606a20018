#include "examples/federation/federation.h"

#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr int kReadyTimeoutMs = 60'000;

absl::Status MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return BadInput({.code = "folder_unusable", .what = "making " + path, .found = error.message()});
}

}  // namespace

absl::StatusOr<Federation> Federation::Prepare(const FederationSetup& setup) {
  Federation federation(setup);
  SEALFOLD_RETURN_IF_ERROR(MakeFolder(federation.Path("logs")));
  SEALFOLD_RETURN_IF_ERROR(MakeFolder(federation.Path("coordinator")));
  SEALFOLD_RETURN_IF_ERROR(MakeFolder(federation.Path("platform")));
  SEALFOLD_RETURN_IF_ERROR(federation.MakeKeys());
  SEALFOLD_RETURN_IF_ERROR(federation.StartPlatform());
  SEALFOLD_RETURN_IF_ERROR(federation.WritePolicy());
  SEALFOLD_RETURN_IF_ERROR(federation.SignPlan());
  return federation;
}

absl::StatusOr<ProgramResult> Federation::Run(const std::string& program,
                                              std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), Program(program));
  return RunToEnd(arguments);
}

absl::Status Federation::RunOrFail(const std::string& program,
                                   std::vector<std::string> arguments) const {
  SEALFOLD_ASSIGN_OR_RETURN(ProgramResult result, Run(program, std::move(arguments)));
  if (result.exit_code == kExitDone) return absl::OkStatus();
  return PeerError({.code = "program_failed",
                    .what = program,
                    .expected = "exit code 0",
                    .found = absl::StrCat("exit code ", result.exit_code, ": ", result.err)});
}

absl::Status Federation::MakeKeys() {
  SEALFOLD_RETURN_IF_ERROR(
      RunOrFail("sealfold-coordinator", {"keygen", "--out", Path("coordinator.key")}));
  for (const std::string& name : setup_.participants) {
    SEALFOLD_RETURN_IF_ERROR(MakeFolder(Path(name)));
    SEALFOLD_RETURN_IF_ERROR(RunOrFail("sealfold-participant",
                                       {"keygen", "--out", Path(name + "/key"), "--name", name}));
  }
  return absl::OkStatus();
}

absl::Status Federation::StartPlatform() {
  return StartReady("sealfold-softnsm",
                    {"serve", "--state", Path("platform"), "--socket", Path("platform/nsm.sock")},
                    platform_)
      .status();
}

absl::Status Federation::WritePolicy() {
  SEALFOLD_ASSIGN_OR_RETURN(
      ProgramResult measured,
      Run("sealfold-attest", {"measure", "elf", Program("sealfold-aggregator"), "--json"}));
  SEALFOLD_ASSIGN_OR_RETURN(std::string key, ReadFile(Path("coordinator.key.pub"), 4096));
  const json measurement = json::parse(measured.out, nullptr, /*allow_exceptions=*/false);
  const json coordinator = json::parse(key, nullptr, /*allow_exceptions=*/false);
  if (!measurement.contains("pcr0") || !coordinator.contains("key")) {
    return PeerError(
        {.code = "program_failed", .what = "sealfold-attest measure", .found = measured.err});
  }
  const json policy = {
      {"format", "sealfold-policy-1"},
      {"coordinators", {coordinator["key"]}},
      {"evidence",
       {{"platform", "sealfold-softnsm"},
        {"root", "platform/root.pem"},
        {"reference_values", {{{"name", "this build"}, {"pcr0", measurement["pcr0"]}}}}}},
      {"plan", json::parse(setup_.policy_plan_json, nullptr, /*allow_exceptions=*/false)}};
  return WriteFileAtomic(Path("policy.json"), policy.dump(2) + "\n");
}

absl::Status Federation::SignPlan() {
  json plan = json::parse(setup_.plan_json, nullptr, /*allow_exceptions=*/false);
  if (!plan.is_object())
    return BadInput({.code = "plan_json", .what = "plan", .expected = "a JSON object"});
  for (const std::string& name : setup_.participants)
    plan["participant_files"].push_back(name + "/key.pub");
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(Path("plan.json"), plan.dump(2) + "\n"));
  return RunOrFail("sealfold-coordinator",
                   {"plan", Path("plan.json"), "--key", Path("coordinator.key"), "--model",
                    setup_.initial_model, "--out", Path("coordinator/plan.cose")});
}

absl::StatusOr<std::string> Federation::StartReady(const std::string& program,
                                                   std::vector<std::string> arguments,
                                                   std::optional<ChildProcess>& process) {
  arguments.insert(arguments.begin(), absl::StrContains(program, '/') ? program : Program(program));
  const std::string name = std::filesystem::path(program).filename();
  process.reset();
  SEALFOLD_ASSIGN_OR_RETURN(
      ChildProcess child,
      ChildProcess::Start(arguments, {.err_path = Path("logs/" + name + ".log")}));
  process = std::move(child);
  while (std::optional<std::string> line = process->ReadLine(kReadyTimeoutMs)) {
    if (absl::StartsWith(*line, "ready")) return *line;
  }
  return PeerError(
      {.code = "program_not_ready",
       .what = program,
       .expected = "a line that begins with \"ready\"",
       .found = process->timed_out() ? "none within a minute" : "the end of its output",
       .advice = "see " + Path("logs/" + name + ".log")});
}

absl::Status Federation::StartCoordinator() {
  const std::string listen = endpoint_.empty() ? "tcp://127.0.0.1:0" : endpoint_;
  std::vector<std::string> arguments = {"serve",
                                        "--state",
                                        Path("coordinator"),
                                        "--listen",
                                        listen,
                                        "--aggregator",
                                        "ipc://" + Path("coordinator/aggregator.sock")};
  arguments.insert(arguments.end(), coordinator_arguments_.begin(), coordinator_arguments_.end());
  SEALFOLD_ASSIGN_OR_RETURN(std::string line,
                            StartReady("sealfold-coordinator", arguments, coordinator_));
  endpoint_ = std::string(absl::StripPrefix(line, "ready "));
  return absl::OkStatus();
}

absl::Status Federation::StartAggregator(const std::string& program) {
  std::vector<std::string> arguments = {
      "serve", "--host-link", "ipc://" + Path("coordinator/aggregator.sock"), "--attester",
      attester_.empty() ? Path("platform/nsm.sock") : attester_};
  arguments.insert(arguments.end(), aggregator_arguments_.begin(), aggregator_arguments_.end());
  return StartReady(program.empty() ? "sealfold-aggregator" : program, arguments, aggregator_)
      .status();
}

absl::Status Federation::Launch() {
  return RunOrFail("sealfold-coordinator", {"launch", "--state", Path("coordinator")});
}

absl::StatusOr<ChildProcess> Federation::Join(
    size_t participant, const std::string& train_command, bool json,
    const std::map<std::string, std::string>& environment) {
  std::vector<std::string> more = {"--train", train_command};
  if (json) more.emplace_back("--json");
  return StartParticipant(participant, "join", more, environment);
}

absl::StatusOr<ChildProcess> Federation::Submit(size_t participant, const std::string& update_path,
                                                uint64_t weight) {
  return StartParticipant(participant, "submit",
                          {"--update", update_path, "--weight", absl::StrCat(weight)}, {});
}

absl::StatusOr<ChildProcess> Federation::StartParticipant(
    size_t participant, const std::string& verb, const std::vector<std::string>& more,
    const std::map<std::string, std::string>& environment) {
  const std::string& name = setup_.participants.at(participant);
  const std::string& endpoint = participant_endpoint_.empty() ? endpoint_ : participant_endpoint_;
  std::vector<std::string> arguments = {Program("sealfold-participant"),
                                        verb,
                                        "--connect",
                                        endpoint,
                                        "--policy",
                                        Path("policy.json"),
                                        "--key",
                                        Path(name + "/key"),
                                        "--state",
                                        Path(name + "/state")};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return ChildProcess::Start(
      arguments, {.environment = environment, .err_path = Path("logs/" + name + ".log")});
}

}  // namespace sealfold
