// Runs the state machines of session/ over a link, with the system's clocks.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_CLIENT_DRIVE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_CLIENT_DRIVE_H_

#include <functional>

#include "absl/status/statusor.h"
#include "participant-client/net/link.h"
#include "participant-client/net/remote_host.h"
#include "participant-client/session/session.h"

namespace sealfold {

// Called after every message that the session took.
using SessionWatcher = std::function<void(const Session&)>;

// Until the session has finished: its status. PeerError when it gets no further for too long,
// explained by the last refusal heard if there was one; "upload_waits" where the aggregator
// answered all the while, and the upload waited its turn for as long as the plan gives a round.
absl::Status DriveSession(Session& session, Link& link, const Patience& patience,
                          const SessionWatcher& watcher);

// Asks the aggregator what it is, without anything to submit: the judgement of its offer. An offer
// that the way here damaged is asked for anew, a few times. Draws nonces from the system.
absl::StatusOr<OfferJudgement> DriveAttestation(const OfferTerms& terms, Link& link,
                                                const Patience& patience);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_CLIENT_DRIVE_H_
