#include "protocol/zmq/frames.h"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Below this a copy costs less than sharing does.
constexpr size_t kSharedSizeMin = 4096;

constexpr int kAllocationKeptBytesMax = 4 << 20;
constexpr int kFreedKeptBytesMax = 32 << 20;

SharedBytes Own(zmq::message_t frame) {
  if (frame.empty()) return {};
  auto owner = std::make_shared<const zmq::message_t>(std::move(frame));
  const ByteSpan bytes(owner->data<uint8_t>(), owner->size());
  return SharedBytes(std::move(owner), bytes);
}

// What a frame that ZeroMQ has keeps alive. One thread fills it, and one of ZeroMQ's ends it: the
// order of the two is our own here, not left to how ZeroMQ hands frames on.
struct Held {
  SharedBytes bytes;
  std::atomic<bool> handed_over = false;
};

void Release(void*, void* hint) {
  auto* const held = static_cast<Held*>(hint);
  SEALFOLD_CHECK(held->handed_over.load(std::memory_order_acquire));
  delete held;
}

zmq::message_t Share(const SharedBytes& bytes) {
  if (bytes.size() < kSharedSizeMin) return zmq::message_t(bytes.data(), bytes.size());
  auto held = std::make_unique<Held>();
  held->bytes = bytes;
  held->handed_over.store(true, std::memory_order_release);
  // ZeroMQ takes a pointer that could be written to; it only reads.
  auto* const data = const_cast<uint8_t*>(bytes.data());
  zmq::message_t frame(data, bytes.size(), &Release, held.get());
  (void)held.release();  // the frame's from here on
  return frame;
}

}  // namespace

std::optional<std::vector<SharedBytes>> ReceiveFrames(zmq::socket_ref socket, size_t frames_max) {
  std::vector<SharedBytes> frames;
  try {
    bool more = true;
    while (more) {
      zmq::message_t frame;
      if (!socket.recv(frame, zmq::recv_flags::dontwait).has_value()) return std::nullopt;
      more = frame.more();
      if (frames.size() <= frames_max) frames.push_back(Own(std::move(frame)));
    }
  } catch (const zmq::error_t&) {
    return std::nullopt;  // EINTR: it is still there
  }
  return frames;
}

SendOutcome SendFrames(zmq::socket_ref socket, std::initializer_list<ByteSpan> frames,
                       const SharedBytes& last) {
  SEALFOLD_CHECK(frames.size() != 0);
  try {
    for (const ByteSpan frame : frames) {
      // Only the first frame can fail: with it ZeroMQ has taken the whole message.
      if (!socket
               .send(zmq::const_buffer(frame.data(), frame.size()),
                     zmq::send_flags::dontwait | zmq::send_flags::sndmore)
               .has_value()) {
        return SendOutcome::kBusy;
      }
    }
    zmq::message_t frame = Share(last);
    socket.send(frame, zmq::send_flags::dontwait);
  } catch (const zmq::error_t& e) {
    return e.num() == EHOSTUNREACH ? SendOutcome::kNoPeer : SendOutcome::kBusy;
  }
  return SendOutcome::kSent;
}

void KeepFreedMessages() {
  mallopt(M_MMAP_THRESHOLD, kAllocationKeptBytesMax);
  mallopt(M_TRIM_THRESHOLD, kFreedKeptBytesMax);
}

}  // namespace sealfold
