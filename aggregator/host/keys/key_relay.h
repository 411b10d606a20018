// Carries bytes between the aggregator and a key service: to whoever listens here, the TLS of
// somebody else.
#ifndef SEALFOLD_AGGREGATOR_HOST_KEYS_KEY_RELAY_H_
#define SEALFOLD_AGGREGATOR_HOST_KEYS_KEY_RELAY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/host/keys/name_lookup.h"
#include "protocol/base/unique_fd.h"
#include "protocol/message/message.h"

namespace sealfold {

struct KeyServiceOptions {
  std::string endpoint = {};         // HOST:PORT; empty: there is none
  std::string access_key_path = {};  // read for each call: temporary ones change
};

// That the address is one and the access key can be read now, where there is a service: later a
// call would only end. InvalidArgument "endpoint_invalid" or "file_unusable".
absl::Status CheckKeyService(const KeyServiceOptions& options);

// One thread; one call at a time, and one look-up of the service's name, for the newest call.
class KeyRelay {
 public:
  explicit KeyRelay(KeyServiceOptions options, Resolver resolver = &ResolveName)
      : options_(std::move(options)), resolver_(std::move(resolver)) {}

  // Whether the aggregator's message is for the service; what it leads to is in `to_aggregator`.
  bool OnAggregator(const Message& message, std::vector<Message>& to_aggregator);
  void OnAggregatorGone() { End(); }

  // Of the connection, or of the look-up before it; -1: none.
  int fd() const { return lookup_.has_value() ? lookup_->fd() : connection_.get(); }
  bool writes() const { return !out_.empty(); }
  // Due when fd() is readable, or writes() and it is writable; at any time it does no harm.
  void OnReady(std::vector<Message>& to_aggregator);

 private:
  absl::Status Open(uint64_t call);
  void OnLookup(std::vector<Message>& to_aggregator);
  bool Connect();  // begins to, at the next address; false: there is none left
  bool Write();    // false: the connection is broken
  bool Read(std::vector<Message>& to_aggregator);
  void End();

  const KeyServiceOptions options_;
  const Resolver resolver_;
  uint64_t call_ = 0;
  std::optional<NameLookup> lookup_;    // there is no connection then
  std::optional<Bytes> access_key_;     // of a call that waits for the look-up
  UniqueFd connection_;                 // of the call under way
  std::vector<SocketAddress> untried_;  // last first; none once the connection was of use
  Bytes out_;                           // not sent yet
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_KEYS_KEY_RELAY_H_
