#include "participant-client/join/train_command.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/program/child_process.h"

namespace sealfold {

absl::Status Train(const std::string& command, Round round, const std::string& model_path,
                   const std::string& update_path) {
  // A name of this process's own: a trainer of an earlier one may still be running.
  const std::string part = absl::StrCat(update_path, ".", getpid(), ".part");
  std::error_code error;
  std::filesystem::remove(part, error);
  SEALFOLD_ASSIGN_OR_RETURN(
      ChildProcess trainer,
      ChildProcess::Start({"/bin/sh", "-c", command},
                          {.environment = {{"SEALFOLD_ROUND", absl::StrCat(round.value())},
                                           {"SEALFOLD_MODEL", model_path},
                                           {"SEALFOLD_UPDATE", part}}}));
  while (auto line = trainer.ReadLine()) std::fprintf(stderr, "%s\n", line->c_str());
  const int code = trainer.Wait();
  if (code != 0) {
    return BadInput(
        {.code = "train_failed",
         .what = absl::StrCat("training command in round ", round.value(), ": ", command),
         .expected = "exit code 0",
         .found = absl::StrCat("exit code ", code),
         .advice = "its own messages stand above; nothing was sent"});
  }
  std::filesystem::rename(part, update_path, error);
  if (error) {
    return BadInput(
        {.code = "train_wrote_nothing",
         .what = absl::StrCat("training command in round ", round.value(), ": ", command),
         .expected = "an update at $SEALFOLD_UPDATE",
         .found = error.message(),
         .advice = "let it write a safetensors file there"});
  }
  return absl::OkStatus();
}

}  // namespace sealfold
