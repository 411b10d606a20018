// Carries bytes between the aggregator and a key service: to whoever listens here, the TLS of
// somebody else.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_KEY_RELAY_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_KEY_RELAY_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "protocol/base/unique_fd.h"
#include "protocol/message/message.h"

namespace sealfold {

struct KeyServiceOptions {
  std::string endpoint = {};         // HOST:PORT; empty: there is none
  std::string access_key_path = {};  // read for each call: temporary ones change
};

// One thread; one call at a time.
class KeyRelay {
 public:
  explicit KeyRelay(KeyServiceOptions options) : options_(std::move(options)) {}

  // Whether the aggregator's message is for the service; what it leads to is in `to_aggregator`. A
  // name is resolved while the caller waits.
  bool OnAggregator(const Message& message, std::vector<Message>& to_aggregator);
  void OnAggregatorGone() { End(); }

  int fd() const { return connection_.get(); }  // -1: none
  bool writes() const { return !out_.empty(); }
  // Due when the connection is readable, or writes() and it is writable; at any time it does no
  // harm.
  void OnReady(std::vector<Message>& to_aggregator);

  using Address = std::vector<uint8_t>;  // a sockaddr's bytes

 private:
  absl::Status Open(uint64_t call, std::vector<Message>& to_aggregator);
  bool Connect();  // begins to, at the next address; false: there is none left
  bool Write();    // false: the connection is broken
  bool Read(std::vector<Message>& to_aggregator);
  void End();

  const KeyServiceOptions options_;
  uint64_t call_ = 0;
  UniqueFd connection_;           // of the call under way
  std::vector<Address> untried_;  // last first; none once the connection was of use
  Bytes out_;                     // not sent yet
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_KEY_RELAY_H_
