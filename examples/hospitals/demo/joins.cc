#include "examples/hospitals/demo/joins.h"

#include <signal.h>
#include <sys/wait.h>

#include <utility>

namespace sealfold::hospitals {

Joins::Joins(std::vector<ChildProcess> processes)
    : processes_(std::move(processes)),
      reaped_(processes_.size(), false),
      running_(processes_.size()) {
  for (size_t i = 0; i < processes_.size(); ++i) readers_.emplace_back([this, i] { Read(i); });
}

Joins::~Joins() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < processes_.size(); ++i) {
      // Not one that its reader has reaped: its number may be another's by now.
      if (!reaped_[i]) kill(processes_[i].pid(), SIGKILL);
    }
  }
  for (std::thread& reader : readers_) reader.join();
}

void Joins::Read(size_t participant) {
  ChildProcess& process = processes_[participant];
  while (std::optional<std::string> line = process.ReadLine()) {
    nlohmann::json event = nlohmann::json::parse(*line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) continue;
    const std::lock_guard<std::mutex> lock(mutex_);
    events_.push_back({.participant = participant, .event = std::move(event)});
    arrived_.notify_one();
  }
  // Ended, but not yet reaped: its number is still its own.
  siginfo_t ended;
  waitid(P_PID, static_cast<id_t>(process.pid()), &ended, WEXITED | WNOWAIT);
  const std::lock_guard<std::mutex> lock(mutex_);
  const int exit_code = process.Wait();
  reaped_[participant] = true;
  events_.push_back({.participant = participant, .event = nullptr, .exit_code = exit_code});
  --running_;
  arrived_.notify_one();
}

std::optional<JoinEvent> Joins::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  arrived_.wait(lock, [this] { return !events_.empty() || running_ == 0; });
  if (events_.empty()) return std::nullopt;
  JoinEvent event = std::move(events_.front());
  events_.pop_front();
  return event;
}

}  // namespace sealfold::hospitals
