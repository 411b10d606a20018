// A platform takes up to hundreds of milliseconds for a document: it is asked on a thread of its
// own, so that updates are taken and hellos collected meanwhile.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_ATTESTER_THREAD_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_ATTESTER_THREAD_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/action.h"
#include "attest/attester.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

// Used by one thread.
class AttesterThread {
 public:
  // `attester` outlives this, and is used by the thread within alone.
  explicit AttesterThread(Attester& attester);
  AttesterThread(const AttesterThread&) = delete;
  AttesterThread& operator=(const AttesterThread&) = delete;
  // Waits for the document that is being made; questions after it are dropped.
  ~AttesterThread();

  // A round has two questions open at most, but a host may start rounds faster than a document is
  // made.
  static constexpr size_t kQuestionsMax = 8;
  // What comes while so many wait is answered at once: PermissionDenied, code "attester_busy".
  void Ask(AskEvidence question);
  struct Answer {
    uint64_t token;
    absl::StatusOr<Bytes> evidence;
  };
  // In the order asked but for those that were not taken up; none if the next is not there yet.
  std::optional<Answer> Take();
  // Readable while there are answers to take.
  int ready_fd() const { return ready_.get(); }

 private:
  void Work();                  // the thread's whole life
  void Deliver(Answer answer);  // requires: mutex_ is held

  Attester& attester_;
  UniqueFd ready_;  // an eventfd that counts answers
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<AskEvidence> questions_;
  std::deque<Answer> answers_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_ATTESTER_THREAD_H_
