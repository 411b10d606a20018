// One question to the key service, asked on a thread of its own: it makes an RSA key, waits for the
// device and speaks TLS, while rounds go on.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_KEY_CALL_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_KEY_CALL_H_

#include <atomic>
#include <memory>
#include <optional>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "aggregator/core/state/sealed_state.h"
#include "protocol/base/shared_bytes.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

// The thread has one end of a socket pair and takes it for the key service; whoever owns the call
// carries bytes between the other end and the service. All calls from one thread. When the call
// goes the thread is waited for, which may be as long as a device does not answer.
class KeyCall {
 public:
  using Question = absl::AnyInvocable<absl::StatusOr<StateKey>(UniqueFd service)>;
  explicit KeyCall(Question question);
  KeyCall(const KeyCall&) = delete;
  KeyCall& operator=(const KeyCall&) = delete;
  ~KeyCall();

  int fd() const { return own_.get(); }  // readable: Take() has something
  // What the service is to get, or, at the end of the thread, the answer.
  struct Taken {
    Bytes for_service = {};
    std::optional<absl::StatusOr<StateKey>> answer = {};
  };
  Taken Take();
  // From the service, in order. What the thread does not take in time ends the connection.
  void Give(ByteSpan from_service);
  void End();  // nothing comes from the service any more

  // Nobody waits for its answer any more: the thread ends with its next word to the service, or
  // before that.
  void Abandon();
  // The thread has no more to do, so that the call may go without a wait.
  bool done() const { return done_; }

 private:
  UniqueFd own_;
  std::optional<absl::StatusOr<StateKey>> answer_;  // the thread's, until it is joined
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_KEY_CALL_H_
