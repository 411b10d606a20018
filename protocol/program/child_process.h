// A child process whose output is read line by line: trainers, and the programs that demonstrations
// and tests start.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_CHILD_PROCESS_H_
#define SEALFOLD_PROTOCOL_PROGRAM_CHILD_PROCESS_H_

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sealfold {

// Moves, does not copy. One thread at a time. A child still running when its owner goes is killed
// and reaped.
class ChildProcess {
 public:
  enum class Stream { kInherit, kPipe, kNull };
  struct Options {
    std::map<std::string, std::string> environment = {};  // added to this process's own
    std::string directory = {};                           // of work; empty: this process's
    Stream out = Stream::kPipe;
    Stream err = Stream::kInherit;
    std::string err_path = {};  // if set, stderr goes to the end of this file
  };

  // `arguments[0]` is searched for in PATH unless it has a slash. Unavailable if it cannot be
  // started.
  static absl::StatusOr<ChildProcess> Start(const std::vector<std::string>& arguments,
                                            const Options& options);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // The next line of stdout without its end; nullopt at the end of the output or when `timeout_ms`
  // passed (see timed_out()). Negative: waits without limit. Requires Stream::kPipe.
  std::optional<std::string> ReadLine(int timeout_ms = -1);
  bool timed_out() const { return timed_out_; }
  // All that is left of piped stdout and stderr, to the end of both.
  void ReadAll(std::string& out, std::string& err);
  // Sends a signal; nothing once it was waited for.
  void Signal(int signal);
  // Waits for the end. The exit code, or 128 + the signal's number.
  int Wait();
  bool Running();  // reaps it if it has ended

 private:
  ChildProcess() = default;
  void Release();
  pid_t pid_ = -1;
  int out_fd_ = -1;
  int err_fd_ = -1;
  std::string buffer_;
  bool timed_out_ = false;
  std::optional<int> exit_code_;
};

// A program that ran to its end, and what it wrote.
struct ProgramResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};
absl::StatusOr<ProgramResult> RunToEnd(const std::vector<std::string>& arguments,
                                       const ChildProcess::Options& options = {});

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_CHILD_PROCESS_H_
