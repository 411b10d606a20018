// A way to the run's host: whole messages, which may get lost, and no more than that.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_LINK_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_LINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "protocol/message/message.h"

namespace sealfold {

// One thread. A link that lost its peer finds it again by itself.
class Link {
 public:
  virtual ~Link() = default;
  // Never blocks. OK says nothing about arrival.
  virtual absl::Status Send(const Message& message) = 0;
  // The next message within the bounds of protocol/message, or none after `timeout_ms`.
  virtual absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) = 0;
};

// Makes a new link. Each conversation has its own, so that late answers to one never reach another.
using LinkFactory = std::function<absl::StatusOr<std::unique_ptr<Link>>()>;

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_LINK_H_
