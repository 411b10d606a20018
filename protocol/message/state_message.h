// What aggregator and host say to one another about the aggregator's state and its key
// (docs/PROTOCOL.md, "Messages" and "Sealed state").
//
//   aggregator -> host   keep-state, state-closed, key-open, key-bytes
//   host -> aggregator   have-state, have-release, key-access, key-bytes
#ifndef SEALFOLD_PROTOCOL_MESSAGE_STATE_MESSAGE_H_
#define SEALFOLD_PROTOCOL_MESSAGE_STATE_MESSAGE_H_

#include "protocol/message/message.h"

namespace sealfold {

inline constexpr size_t kSealedStateBytesMax = 16u << 10;
inline constexpr char kSealedStateType[] = "sealfold-sealed-state-1";  // PeekType of a sealed state

// To be handed back before the start of the round after `round`, whose record it is bound to; 0 is
// before the first. Comes before `finished`.
struct KeepState {  // bulk: a sealed state, at most kSealedStateBytesMax bytes
  static constexpr char kType[] = "keep-state";
  uint64_t round = 0;
  template <class V>
  void Fields(V& v) {
    v("round", round);
  }
};

// What the aggregator gave with keep-state of the round before the one that the host is about to
// start; where the host lacks that one, the newest of the run, or else any of another run: its
// identity then goes on. Comes before `start`; none: there is none, and a new identity may begin.
struct HaveState {  // bulk: the sealed state
  static constexpr char kType[] = "have-state";
  template <class V>
  void Fields(V&) {}
};

inline constexpr char kReleaseFileType[] = "release";  // PeekType of a release file

// Of which release the aggregator is, for whom it convinces: comes before `start`, and goes as it
// is into every offer and record from then on. None: none.
struct HaveRelease {  // bulk: a release file, at most kOfferedReleaseBytesMax bytes
  static constexpr char kType[] = "have-release";
  template <class V>
  void Fields(V&) {}
};

struct StateClosed {  // the aggregator goes on without its state, for this reason
  static constexpr char kType[] = "state-closed";
  std::string code;
  std::string reason;
  template <class V>
  void Fields(V& v) {
    v("code", code);
    v("reason", reason);
  }
};

// --- aggregator and key service, through the host

// The aggregator wants a connection to the key service; calls are numbered upwards, and a new one
// ends the one before. The host answers with key-access, or with key-bytes that end the call.
struct KeyOpen {
  static constexpr char kType[] = "key-open";
  uint64_t call = 0;
  template <class V>
  void Fields(V& v) {
    v("call", call);
  }
};

inline constexpr size_t kAccessKeyBytesMax = 16u << 10;

struct KeyAccess {  // the connection is being made; `access_key` is the file that says who asks
  static constexpr char kType[] = "key-access";
  uint64_t call = 0;
  Bytes access_key;
  template <class V>
  void Fields(V& v) {
    v("call", call);
    v("access_key", access_key);
  }
};

struct KeyBytes {  // bulk: what the other end of the connection is to get, in order
  static constexpr char kType[] = "key-bytes";
  uint64_t call = 0;
  bool end = false;  // nothing comes after it, in either direction
  template <class V>
  void Fields(V& v) {
    v("call", call);
    v("end", end);
  }
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MESSAGE_STATE_MESSAGE_H_
