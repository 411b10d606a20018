// The aggregator's way to a key service: through the one link to the host, which carries bytes to
// the service and back. TLS ends in here, so the host can only keep them from arriving.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_KEY_LINK_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_KEY_LINK_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/core/contract/action.h"
#include "aggregator/core/state/state_keeper.h"
#include "aggregator/enclave/key_call.h"
#include "attest/attester.h"
#include "attest/keyclient/transport/tls_post.h"
#include "protocol/message/state_message.h"

namespace sealfold {

// Which service and key: of the aggregator's own image, not of the host's choice. Who names the
// service or its certificates could answer with keys that it knows.
struct KeySettings {
  TlsService service = {};
  int port = 443;
  std::string region = "local";
  std::string key_id = {};  // at AWS the key's ARN: another name may be a key of another account
};

// InvalidArgument: "ca_malformed", "key_service_name", "key_id_ambiguous".
absl::Status CheckKeySettings(const KeySettings& settings);

// One thread; one question at a time. A question with a blob takes two calls to the service: one
// opens the blob, the other has a new key drawn.
class KeyLink {
 public:
  using MakeAttester = std::function<absl::StatusOr<std::unique_ptr<Attester>>()>;
  // Requires: CheckKeySettings passes. `make_attester` is called from other threads, several at
  // once where a device does not answer. The link waits for them when it goes.
  KeyLink(KeySettings settings, MakeAttester make_attester)
      : settings_(std::move(settings)), make_attester_(std::move(make_attester)) {}

  // Ends the question before, if there is one, without an answer. A thread that still waits for a
  // device is not waited for, but while kAbandonedMax of them do so nothing is asked: Unavailable,
  // code "attester_busy", is the answer.
  static constexpr size_t kAbandonedMax = 4;
  void Ask(AskStateKey ask, Actions& actions);
  // Whether the host's message is of this link; what it leads to is done.
  bool OnHost(const Message& message, Actions& actions);
  // The host is another, or has lost what it knew.
  void OnHostConnected(Actions& actions);

  int fd() const { return call_ == nullptr ? -1 : call_->fd(); }  // readable: call OnReadable
  void OnReadable(Actions& actions);

  struct Answer {
    uint64_t token = 0;
    absl::StatusOr<StateKey> key;
  };
  std::optional<Answer> TakeAnswer() { return std::exchange(answer_, std::nullopt); }

 private:
  absl::Status OnAccess(const KeyAccess& access);
  void Finish(absl::StatusOr<StateKey> key, Actions& actions);
  void DropCall();

  const KeySettings settings_;
  const MakeAttester make_attester_;
  uint64_t calls_ = 0;
  std::optional<AskStateKey> asked_;  // without its blob once that is opened
  Secret opened_;                     // what the blob gave
  std::unique_ptr<KeyCall> call_;
  std::vector<std::unique_ptr<KeyCall>> abandoned_;  // whose threads were at work when last seen
  std::optional<Answer> answer_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_KEY_LINK_H_
