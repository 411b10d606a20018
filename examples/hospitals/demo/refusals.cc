#include "examples/hospitals/demo/refusals.h"

#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

constexpr size_t kProgramBytesMax = size_t{1} << 30;
constexpr size_t kModelBytesMax = 1 << 20;
// Compilers leave their name in a program's comment section, which no instruction reads: a byte
// changed there gives a program that does the same and is another.
constexpr char kUnreadText[] = "GCC: (";

// The folder `name` below setup.directory, empty.
absl::StatusOr<std::string> FreshFolder(const FederationSetup& setup, const std::string& name) {
  const std::string folder = setup.directory + "/" + name;
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!std::filesystem::create_directories(folder, error)) {
    return BadInput(
        {.code = "folder_unusable", .what = "making " + folder, .found = error.message()});
  }
  return folder;
}

absl::StatusOr<std::string> ChangeOneByte(const std::string& program, const std::string& out) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(program, kProgramBytesMax));
  const size_t at = bytes.find(kUnreadText);
  if (at == std::string::npos) {
    return BadInput({.code = "program_without_comment",
                     .what = program,
                     .expected = "the compiler's name in its comment section",
                     .found = "none",
                     .advice = "build without stripping"});
  }
  bytes[at] ^= 0x20;
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(out, bytes));
  if (chmod(out.c_str(), 0755) != 0) return BadInput({.code = "file_unusable", .what = out});
  return out;
}

// Submits as the first participant, and tells what became of it.
absl::StatusOr<Refusal> Submit(Federation& federation, const std::string& name,
                               const std::string& update) {
  SEALFOLD_ASSIGN_OR_RETURN(
      ProgramResult result,
      federation.Run("sealfold-participant",
                     {"submit", "--connect", federation.endpoint(), "--policy",
                      federation.Path("policy.json"), "--key", federation.Path(name + "/key"),
                      "--state", federation.Path(name + "/state"), "--update", update}));
  return Refusal{.said = result.err, .exit_code = result.exit_code};
}

absl::StatusOr<Refusal> SubmitTo(const FederationSetup& setup, const std::string& update,
                                 const std::string& aggregator) {
  SEALFOLD_ASSIGN_OR_RETURN(Federation federation, Federation::Prepare(setup));
  SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
  SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator(aggregator));
  SEALFOLD_RETURN_IF_ERROR(federation.Launch());
  return Submit(federation, setup.participants.front(), update);
}

}  // namespace

absl::StatusOr<Refusal> RefuseChangedAggregator(FederationSetup setup, const std::string& update) {
  SEALFOLD_ASSIGN_OR_RETURN(setup.directory, FreshFolder(setup, "refused-aggregator"));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string changed,
                            ChangeOneByte(setup.programs + "/sealfold-aggregator",
                                          setup.directory + "/sealfold-aggregator-changed"));
  return SubmitTo(setup, update, changed);
}

absl::StatusOr<Refusal> RefuseChangedModel(const FederationSetup& setup, const std::string& model,
                                           const std::vector<std::string>& records,
                                           const std::string& policy) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string folder, FreshFolder(setup, "refused-model"));
  SEALFOLD_ASSIGN_OR_RETURN(std::string bytes, ReadFile(model, kModelBytesMax));
  bytes.back() ^= 0x01;
  const std::string changed = folder + "/model.safetensors";
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(changed, bytes));
  std::vector<std::string> command = {setup.programs + "/sealfold-participant", "verify", changed,
                                      "--policy", policy};
  for (const std::string& record : records) {
    command.insert(command.end(), {"--record", record});
  }
  SEALFOLD_ASSIGN_OR_RETURN(ProgramResult result, RunToEnd(command));
  return Refusal{.said = result.err, .exit_code = result.exit_code};
}

absl::StatusOr<Refusal> RefuseWeakPlan(FederationSetup setup, const std::string& update) {
  SEALFOLD_ASSIGN_OR_RETURN(setup.directory, FreshFolder(setup, "refused-plan"));
  nlohmann::json plan = nlohmann::json::parse(setup.plan_json, nullptr, /*allow_exceptions=*/false);
  plan["quorum"] = 2;
  setup.plan_json = plan.dump();
  return SubmitTo(setup, update, "");
}

}  // namespace sealfold::hospitals
