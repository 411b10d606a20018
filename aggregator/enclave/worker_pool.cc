#include "aggregator/enclave/worker_pool.h"

#include "protocol/base/error.h"

namespace sealfold {

WorkerPool::WorkerPool(size_t count) {
  SEALFOLD_CHECK(count > 0);
  threads_.reserve(count - 1);
  for (size_t worker = 1; worker < count; ++worker) {
    threads_.emplace_back([this, worker] { Wait(worker); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  started_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Run(size_t tasks, absl::FunctionRef<void(size_t worker, size_t task)> do_task) {
  Job job{.do_task = do_task, .tasks = tasks};
  const bool shared = tasks > 1 && !threads_.empty();
  if (shared) {
    const std::lock_guard<std::mutex> lock(mutex_);
    job_ = &job;
    ++jobs_;
    working_ = threads_.size();
    started_.notify_all();
  }
  Work(job, 0);
  if (!shared) return;
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [this] { return working_ == 0; });
  job_ = nullptr;
}

void WorkerPool::Work(Job& job, size_t worker) {
  for (size_t task = job.next++; task < job.tasks; task = job.next++) job.do_task(worker, task);
}

void WorkerPool::Wait(size_t worker) {
  std::unique_lock<std::mutex> lock(mutex_);
  for (uint64_t done = 0;; ++done) {
    started_.wait(lock, [&] { return ending_ || jobs_ > done; });
    if (ending_) return;
    Job& job = *job_;
    lock.unlock();
    Work(job, worker);
    lock.lock();
    if (--working_ == 0) finished_.notify_one();
  }
}

}  // namespace sealfold
