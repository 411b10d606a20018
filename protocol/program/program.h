// The one look of all command-line programs: exit codes, errors, human and JSON output.
//
// Human output goes to stdout, colour only on a terminal and without NO_COLOR; with --json one JSON
// object or JSON Lines. Errors go to stderr as "error: what", "expected", "found", "do" lines (or
// one JSON object with
// --json) and set the exit code.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_PROGRAM_H_
#define SEALFOLD_PROTOCOL_PROGRAM_PROGRAM_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealfold {

inline constexpr int kExitDone = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitRefused = 3;  // by policy or evidence
inline constexpr int kExitNetwork = 4;  // network or peer
inline constexpr int kExitBadInput = 5;

// The code that belongs to a status: OK 0; PermissionDenied 3; Unavailable, DeadlineExceeded,
// Cancelled 4; everything else 5.
int ExitCode(const absl::Status& status);

class Output {
 public:
  explicit Output(bool json) : json_(json) {}
  bool json() const { return json_; }

  // One line for people; nothing in JSON mode.
  void Line(absl::string_view text) const;
  // One finished JSON text as a line; nothing in human mode.
  void Json(absl::string_view json_text) const;
  // Prints the status on stderr if it is an error; returns ExitCode(status).
  int Finish(const absl::Status& status) const;

  // Marks for people: a passed or failed check, coloured on a terminal.
  std::string Mark(bool passed) const;
  std::string Bold(absl::string_view text) const;
  std::string Warn(absl::string_view text) const;  // yellow
  bool terminal() const;  // stdout is a terminal: live lines may be rewritten

 private:
  bool json_;
};

// Whole small files (keys, plans, records). NotFound-like problems are InvalidArgument with the
// path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_bytes_max);
// Written to a temporary beside it, synced, renamed: a reader sees the old or the new. `secret`:
// mode 0600.
absl::Status WriteFileAtomic(const std::string& path, absl::string_view content,
                             bool secret = false);
// A rename that is on disk when this returns. Both paths are in one folder.
absl::Status RenameDurably(const std::string& from, const std::string& to);
// InvalidArgument ("file_unusable") from errno: `doing` ("reading", "writing") failed on `path`.
absl::Status FileError(absl::string_view doing, const std::string& path);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_PROGRAM_H_
