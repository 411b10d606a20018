#include "aggregator/host/serve/frames.h"

#include <cerrno>

namespace sealfold {

std::optional<std::vector<Bytes>> ReceiveFrames(zmq::socket_t& socket, size_t frames_max) {
  std::vector<Bytes> frames;
  try {
    zmq::message_t frame;
    do {
      if (!socket.recv(frame, zmq::recv_flags::dontwait).has_value()) return std::nullopt;
      if (frames.size() > frames_max) continue;
      const auto* data = frame.data<uint8_t>();
      frames.emplace_back(data, data + frame.size());
    } while (frame.more());
  } catch (const zmq::error_t&) {
    return std::nullopt;  // EINTR: it is still there
  }
  return frames;
}

SendOutcome SendFrames(zmq::socket_t& socket, std::initializer_list<ByteSpan> frames) {
  try {
    size_t left = frames.size();
    for (const ByteSpan frame : frames) {
      const auto flags = --left == 0 ? zmq::send_flags::dontwait
                                     : zmq::send_flags::dontwait | zmq::send_flags::sndmore;
      // Only the first frame can fail: with it ZeroMQ has taken the whole message.
      if (!socket.send(zmq::const_buffer(frame.data(), frame.size()), flags).has_value()) {
        return SendOutcome::kBusy;
      }
    }
  } catch (const zmq::error_t& e) {
    return e.num() == EHOSTUNREACH ? SendOutcome::kNoPeer : SendOutcome::kBusy;
  }
  return SendOutcome::kSent;
}

}  // namespace sealfold
