// Threads for the fold.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_WORKER_POOL_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_WORKER_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "aggregator/core/batch/workers.h"

namespace sealfold {

// `count` workers: who calls Run is one of them, the others are threads that wait in between. One
// caller at a time.
class WorkerPool final : public Workers {
 public:
  // Requires: count > 0.
  explicit WorkerPool(size_t count);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() override;

  size_t count() const override { return threads_.size() + 1; }
  void Run(size_t tasks, absl::FunctionRef<void(size_t worker, size_t task)> do_task) override;

 private:
  struct Job {
    absl::FunctionRef<void(size_t worker, size_t task)> do_task;
    size_t tasks;
    std::atomic<size_t> next = 0;
  };
  static void Work(Job& job, size_t worker);
  void Wait(size_t worker);  // a thread's whole life

  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable finished_;
  Job* job_ = nullptr;  // under way
  uint64_t jobs_ = 0;   // started so far
  size_t working_ = 0;  // threads that are not done with it
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_WORKER_POOL_H_
