// The events of several `sealfold-participant join --json` processes, as one stream.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DEMO_JOINS_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DEMO_JOINS_H_

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "protocol/program/child_process.h"

namespace sealfold::hospitals {

struct JoinEvent {
  size_t participant = 0;
  nlohmann::json event;               // one line of its output; null at its end
  std::optional<int> exit_code = {};  // at its end
};

// Reads from a thread for each process; ends when they do or when it goes (which kills them).
class Joins {
 public:
  explicit Joins(std::vector<ChildProcess> processes);
  ~Joins();
  Joins(const Joins&) = delete;
  Joins& operator=(const Joins&) = delete;

  // Waits for the next; nullopt once every process has ended and all was taken.
  std::optional<JoinEvent> Next();

 private:
  void Read(size_t participant);
  std::vector<ChildProcess> processes_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<JoinEvent> events_;
  std::vector<bool> reaped_;
  size_t running_;
  std::vector<std::thread> readers_;
};

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DEMO_JOINS_H_
