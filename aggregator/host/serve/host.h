// All that `serve` decides, without its sockets: who is answered what, and what is relayed.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_HOST_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_HOST_H_

#include <deque>
#include <string>
#include <vector>

#include "aggregator/host/control/control_message.h"
#include "aggregator/host/run/run.h"
#include "aggregator/host/serve/status_waiters.h"
#include "aggregator/host/serve/upload_view.h"

namespace sealfold {

// A message on one of the sockets. `peer` is the connection on the participants' and the control
// socket; on the aggregator's it is the participant's session, empty for the host itself.
struct Routed {
  Bytes peer;
  Message message;
};

struct HostOutput {
  std::vector<Routed> to_participants;
  std::vector<Routed> to_control;
  std::vector<Routed> to_aggregator;  // over connection aggregator() as it is after the event
  std::vector<std::string> notes;
};

// One thread. Bounds itself: StatusWaiters, and one answer for each request.
class Host {
 public:
  // As for Run.
  Host(RunStore& store, uint64_t version_first);

  void OnParticipant(const Bytes& identity, Message message, uint64_t now_ms, HostOutput& out);
  void OnControl(const Bytes& identity, const Message& message, uint64_t now_ms, HostOutput& out);
  // The newest connection is the aggregator: one that was not seen before takes over from the last,
  // and what still comes from the last is dropped. An empty head (ZMQ_PROBE_ROUTER) only shows that
  // it is there.
  void OnAggregator(const Bytes& connection, const Bytes& session, Message message, uint64_t now_ms,
                    HostOutput& out);
  void OnAggregatorGone(uint64_t now_ms, HostOutput& out);
  // A message from to_aggregator that could not be sent because nobody is there.
  void OnNotRelayed(const Bytes& session, HostOutput& out);
  // Due a few times a second.
  void OnTick(uint64_t now_ms, HostOutput& out);

  const Bytes& aggregator() const { return aggregator_; }  // empty: none
  const absl::Status& broken() const { return run_.broken(); }
  RunView view() const;

 private:
  absl::Status AnswerParticipant(const Bytes& identity, Message& message, uint64_t now_ms,
                                 HostOutput& out);
  absl::Status AnswerPart(const Bytes& identity, const GetRequest& get, HostOutput& out);
  absl::Status AnswerControl(const Bytes& identity, const Message& message, uint64_t now_ms,
                             HostOutput& out);
  // Takes over what the run wants done, and answers whose wait is over by it.
  void Settle(RunOutput run, uint64_t now_ms, HostOutput& out);
  void AnswerWaiters(uint64_t now_ms, HostOutput& out);

  RunStore& store_;
  Run run_;
  UploadView uploads_;
  StatusWaiters waiters_;
  uint64_t version_told_ = 0;  // waiters know of it
  Bytes aggregator_;
  std::deque<Bytes> retired_;   // connections that are not the aggregator any more
  std::vector<Bytes> closers_;  // control connections that wait for the aggregator's decision
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_HOST_H_
