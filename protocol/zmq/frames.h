// Multipart messages of ZeroMQ sockets as bytes, the large ones without a copy. Exceptions of
// cppzmq end here.
#ifndef SEALFOLD_PROTOCOL_ZMQ_FRAMES_H_
#define SEALFOLD_PROTOCOL_ZMQ_FRAMES_H_

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <vector>
#include <zmq.hpp>

#include "protocol/base/shared_bytes.h"
#include "protocol/message/message.h"

namespace sealfold {

// The largest frame that a peer may send: a message's head, or its bulk.
inline constexpr int64_t kFrameBytesMax = std::max(kMessageHeadBytesMax, kMessageBulkBytesMax);

// The next message that is there, of at most `frames_max` frames: what is beyond is read and
// dropped, and the message comes with frames_max + 1 frames, so that the caller sees it. nullopt
// when there is none. The bytes are those that ZeroMQ read into.
std::optional<std::vector<SharedBytes>> ReceiveFrames(zmq::socket_ref socket, size_t frames_max);

enum class SendOutcome { kSent, kBusy, kNoPeer };
// Sends `frames`, which are small, and then `last`, which is shared with ZeroMQ until it is sent.
// Never blocks. kBusy: the high-water mark is reached; kNoPeer: a ROUTER_MANDATORY socket knows no
// such peer. In both cases nothing was sent. Requires: `frames` is not empty.
SendOutcome SendFrames(zmq::socket_ref socket, std::initializer_list<ByteSpan> frames,
                       const SharedBytes& last);

// For a program that moves many messages: what is freed stays with the process, up to some tens of
// megabytes, instead of going to the system and coming back page by page. Before other threads
// start.
void KeepFreedMessages();

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ZMQ_FRAMES_H_
