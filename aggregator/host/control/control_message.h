// What the control verbs say to a running `serve`, over a socket in the run's folder: never over
// the participants'. Heads as in protocol/message/message.h, no bulk; answered by `view` or
// `refused`.
#ifndef SEALFOLD_AGGREGATOR_HOST_CONTROL_CONTROL_MESSAGE_H_
#define SEALFOLD_AGGREGATOR_HOST_CONTROL_CONTROL_MESSAGE_H_

#include <string>
#include <vector>

#include "protocol/message/message.h"

namespace sealfold {

// Starts the run. Answered at once, the same when it is already under way.
struct LaunchRequest {
  static constexpr char kType[] = "control-launch";
  template <class V>
  void Fields(V&) {}
};

// Ends the round early under the plan's rules. Answered when the aggregator has decided.
struct CloseRequest {
  static constexpr char kType[] = "control-close";
  template <class V>
  void Fields(V&) {}
};

// Answered at once.
struct ViewRequest {
  static constexpr char kType[] = "control-view";
  template <class V>
  void Fields(V&) {}
};

struct ParticipantView {
  std::string name;
  uint64_t chunks = 0;     // relayed in this attempt
  bool committed = false;  // as the aggregator told
  template <class V>
  void Fields(V& v) {
    v("name", name);
    v("chunks", chunks);
    v("committed", committed);
  }
  bool operator==(const ParticipantView&) const = default;
};

struct RunView {
  static constexpr char kType[] = "view";
  RunStatus run;
  std::string name;     // of the plan
  uint64_t rounds = 0;  // of the plan
  uint64_t quorum = 0;
  uint64_t chunks_total = 0;  // of an update
  uint64_t staged_bytes = 0;
  uint64_t refused = 0;                       // messages, in this attempt
  std::vector<ParticipantView> participants;  // the first kParticipantsShownMax of the plan
  uint64_t participants_total = 0;
  template <class V>
  void Fields(V& v) {
    v("run", run);
    v("name", name);
    v("rounds", rounds);
    v("quorum", quorum);
    v("chunks_total", chunks_total);
    v("staged_bytes", staged_bytes);
    v("refused", refused);
    v("participants", participants);
    v("participants_total", participants_total);
  }
};

inline constexpr size_t kParticipantsShownMax = 1000;

// The socket's name within the run's folder.
inline constexpr char kControlSocket[] = "control.sock";

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_CONTROL_CONTROL_MESSAGE_H_
