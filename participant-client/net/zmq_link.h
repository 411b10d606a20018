// A link over ZeroMQ: a DEALER, two frames a message (head, bulk).
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_ZMQ_LINK_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_ZMQ_LINK_H_

#include <string>

#include "participant-client/net/link.h"

namespace sealfold {

// `endpoint`: "tcp://HOST:PORT" or "ipc://PATH". InvalidArgument ("endpoint_invalid") for another
// form; a peer that is not there shows only as silence.
absl::StatusOr<std::unique_ptr<Link>> ConnectZmq(const std::string& endpoint);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_ZMQ_LINK_H_
