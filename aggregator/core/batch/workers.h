// Who does work that can be split up. Core has no threads of its own: its caller brings them.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_WORKERS_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_WORKERS_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace sealfold {

class Workers {
 public:
  virtual ~Workers() = default;
  virtual size_t count() const = 0;  // at least 1
  // Calls do_task(worker, task) once for each task < tasks, with a worker < count(): several at a
  // time, but never two with the same worker. Returns when all are done, and what they wrote is
  // seen.
  virtual void Run(size_t tasks, absl::FunctionRef<void(size_t worker, size_t task)> do_task) = 0;
};

// One after the other, by who calls.
class CallingThread final : public Workers {
 public:
  size_t count() const override { return 1; }
  void Run(size_t tasks, absl::FunctionRef<void(size_t worker, size_t task)> do_task) override {
    for (size_t task = 0; task < tasks; ++task) do_task(0, task);
  }
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_WORKERS_H_
