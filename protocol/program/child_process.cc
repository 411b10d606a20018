#include "protocol/program/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using Clock = std::chrono::steady_clock;

void CloseFd(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

std::string ReadToEnd(int fd) {
  std::string text;
  char chunk[4096];
  while (true) {
    ssize_t n = read(fd, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    text.append(chunk, static_cast<size_t>(n));
  }
}

// Runs in the child: only async-signal-safe calls.
void Redirect(ChildProcess::Stream stream, int pipe_fd, int target) {
  if (stream == ChildProcess::Stream::kPipe) dup2(pipe_fd, target);
  if (stream == ChildProcess::Stream::kNull) dup2(open("/dev/null", O_WRONLY), target);
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::vector<std::string>& arguments,
                                                 const Options& options) {
  SEALFOLD_CHECK(!arguments.empty());
  std::vector<std::string> variables;
  for (char** v = environ; *v != nullptr; ++v) {
    const std::string name = std::string(*v).substr(0, std::strcspn(*v, "="));
    if (options.environment.count(name) == 0) variables.emplace_back(*v);
  }
  for (const auto& [name, value] : options.environment) {
    variables.push_back(absl::StrCat(name, "=", value));
  }
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  for (const std::string& v : variables) envp.push_back(const_cast<char*>(v.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  // The child reports a failed exec through `status`, which a successful exec closes.
  int out[2];
  int err[2];
  int status[2];
  SEALFOLD_CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 &&
                 pipe2(status, O_CLOEXEC) == 0);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  SEALFOLD_CHECK(pid >= 0);
  if (pid == 0) {
    // A child does not outlive who started it, however that ends.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    Redirect(options.out, out[1], STDOUT_FILENO);
    Redirect(options.err, err[1], STDERR_FILENO);
    if (!options.err_path.empty()) {
      dup2(open(options.err_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644), STDERR_FILENO);
    }
    if (options.directory.empty() || chdir(options.directory.c_str()) == 0) {
      execvpe(argv[0], argv.data(), envp.data());
    }
    const int error = errno;
    if (write(status[1], &error, sizeof(error)) < 0) _exit(126);
    _exit(127);
  }
  CloseFd(out[1]);
  CloseFd(err[1]);
  CloseFd(status[1]);
  ChildProcess child;
  child.pid_ = pid;
  child.out_fd_ = out[0];
  child.err_fd_ = err[0];
  const std::string failure = ReadToEnd(status[0]);
  CloseFd(status[0]);
  if (!failure.empty()) {
    child.Wait();
    int error = 0;
    std::memcpy(&error, failure.data(), sizeof(error));
    return PeerError({.code = "program_not_started",
                      .what = absl::StrCat("starting ", arguments[0]),
                      .found = std::strerror(error),
                      .advice = "check that the program exists and may be run"});
  }
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  if (this == &other) return *this;
  Release();
  pid_ = std::exchange(other.pid_, -1);
  out_fd_ = std::exchange(other.out_fd_, -1);
  err_fd_ = std::exchange(other.err_fd_, -1);
  buffer_ = std::move(other.buffer_);
  timed_out_ = other.timed_out_;
  exit_code_ = std::exchange(other.exit_code_, std::nullopt);
  return *this;
}

ChildProcess::~ChildProcess() { Release(); }

void ChildProcess::Release() {
  if (pid_ > 0 && !exit_code_.has_value()) {
    Signal(SIGKILL);
    Wait();
  }
  CloseFd(out_fd_);
  CloseFd(err_fd_);
}

std::optional<std::string> ChildProcess::ReadLine(int timeout_ms) {
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(timeout_ms);
  timed_out_ = false;
  while (true) {
    const size_t newline = buffer_.find('\n');
    if (newline != std::string::npos) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    int wait_ms = -1;
    if (timeout_ms >= 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      wait_ms = left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }
    pollfd p{.fd = out_fd_, .events = POLLIN, .revents = 0};
    const int ready = poll(&p, 1, wait_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      timed_out_ = true;
      return std::nullopt;
    }
    char chunk[4096];
    const ssize_t n = read(out_fd_, chunk, sizeof(chunk));
    if (n < 0 && errno == EINTR) continue;
    if (n > 0) {
      buffer_.append(chunk, static_cast<size_t>(n));
      continue;
    }
    if (buffer_.empty()) return std::nullopt;
    return std::exchange(buffer_, "");
  }
}

void ChildProcess::ReadAll(std::string& out, std::string& err) {
  out = std::exchange(buffer_, "");
  err.clear();
  pollfd pipes[2] = {{.fd = out_fd_, .events = POLLIN, .revents = 0},
                     {.fd = err_fd_, .events = POLLIN, .revents = 0}};
  std::string* texts[2] = {&out, &err};
  while (pipes[0].fd >= 0 || pipes[1].fd >= 0) {
    if (poll(pipes, 2, -1) < 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (pipes[i].fd < 0 || pipes[i].revents == 0) continue;
      char chunk[4096];
      const ssize_t n = read(pipes[i].fd, chunk, sizeof(chunk));
      if (n > 0) texts[i]->append(chunk, static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) pipes[i].fd = -1;
    }
  }
}

void ChildProcess::Signal(int signal) {
  if (pid_ > 0 && !exit_code_.has_value()) kill(pid_, signal);
}

int ChildProcess::Wait() {
  SEALFOLD_CHECK(pid_ > 0);
  if (exit_code_.has_value()) return *exit_code_;
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0) SEALFOLD_CHECK(errno == EINTR);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return *exit_code_;
}

bool ChildProcess::Running() {
  if (pid_ <= 0 || exit_code_.has_value()) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return false;
}

absl::StatusOr<ProgramResult> RunToEnd(const std::vector<std::string>& arguments,
                                       const ChildProcess::Options& options) {
  ChildProcess::Options piped = options;
  piped.out = ChildProcess::Stream::kPipe;
  piped.err = ChildProcess::Stream::kPipe;
  SEALFOLD_ASSIGN_OR_RETURN(ChildProcess child, ChildProcess::Start(arguments, piped));
  ProgramResult result;
  child.ReadAll(result.out, result.err);
  result.exit_code = child.Wait();
  return result;
}

}  // namespace sealfold
