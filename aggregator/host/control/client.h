// Asks a running `serve` and waits for the answer.
#ifndef SEALFOLD_AGGREGATOR_HOST_CONTROL_CLIENT_H_
#define SEALFOLD_AGGREGATOR_HOST_CONTROL_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/message/message.h"

namespace sealfold {

// One thread. Moves, does not copy.
class HostClient {
 public:
  // The control socket of the run in `folder`, or what participants connect to.
  static absl::StatusOr<HostClient> ConnectControl(const std::string& folder);
  static absl::StatusOr<HostClient> Connect(const std::string& endpoint);
  HostClient(HostClient&&) noexcept;
  HostClient& operator=(HostClient&&) noexcept;
  ~HostClient();

  // Unavailable ("host_absent") without an answer in time; a refusal is its own status.
  absl::StatusOr<Message> Ask(const Message& question, int timeout_ms);

  // Ask(question), whose answer is an A.
  template <class A, class Q>
  absl::StatusOr<A> AskFor(const Q& question, int timeout_ms) {
    SEALFOLD_ASSIGN_OR_RETURN(Message answer,
                              Ask({.head = cbor::EncodeFields(question), .bulk = {}}, timeout_ms));
    return cbor::DecodeFields<A>(answer.head);
  }

 private:
  struct State;
  explicit HostClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_CONTROL_CLIENT_H_
