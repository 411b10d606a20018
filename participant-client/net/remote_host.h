// What a participant asks the untrusted host for: the run's state and public files. Nothing of it
// is believed here.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_REMOTE_HOST_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_REMOTE_HOST_H_

#include <functional>

#include "absl/status/statusor.h"
#include "participant-client/net/link.h"

namespace sealfold {

// How long to wait for a peer.
struct Patience {
  uint64_t quiet_ms = 1000;  // after which a question is asked again
  // Of silence, or without getting further; an upload that waits its turn among others has as long
  // as the round has.
  uint64_t give_up_ms = 300'000;
  // How long to wait where it is said that there is no aggregator, or no round, to submit to.
  uint64_t absent_ms = 300'000;
};

class RemoteHost {
 public:
  // `link` outlives this.
  RemoteHost(Link& link, Patience patience) : link_(link), patience_(patience) {}

  // The run's state once its version is not `after`, or after a while.
  absl::StatusOr<RunStatus> Status(uint64_t after);

  using Sink = std::function<absl::Status(ByteSpan part)>;
  // Streams a file's bytes in order. PeerError: "peer_silent", "file_size_wrong" if it is empty or
  // larger than `size_bytes_max`; else the host's refusal or the sink's error.
  absl::Status Fetch(FileKind what, uint64_t round, uint64_t size_bytes_max, const Sink& sink);
  // A whole small file.
  absl::StatusOr<Bytes> FetchBytes(FileKind what, uint64_t round, uint64_t size_bytes_max);

 private:
  Link& link_;
  Patience patience_;
};

// PeerError "peer_silent".
absl::Status PeerSilent(absl::string_view waiting_for, const Patience& patience);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_REMOTE_HOST_H_
