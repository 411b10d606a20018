// Multipart messages of ZeroMQ sockets as bytes. Exceptions of cppzmq end here.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_FRAMES_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_FRAMES_H_

#include <initializer_list>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "protocol/base/bytes.h"

namespace sealfold {

// The next message that is there, of at most `frames_max` frames: what is beyond is read and
// dropped, and the message comes with frames_max + 1 frames, so that the caller sees it. nullopt
// when there is none.
std::optional<std::vector<Bytes>> ReceiveFrames(zmq::socket_t& socket, size_t frames_max);

enum class SendOutcome { kSent, kBusy, kNoPeer };
// Never blocks. kBusy: the high-water mark is reached; kNoPeer: a ROUTER_MANDATORY socket knows no
// such peer.
SendOutcome SendFrames(zmq::socket_t& socket, std::initializer_list<ByteSpan> frames);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_FRAMES_H_
