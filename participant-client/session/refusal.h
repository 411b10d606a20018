// What a sender does about a refusal, by the code in it.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_SESSION_REFUSAL_H_
#define SEALFOLD_PARTICIPANT_CLIENT_SESSION_REFUSAL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/message/message.h"

namespace sealfold {

enum class RefusalMeans {
  kFinal,            // this update will not be taken in this attempt, however often it is sent
  kFinalIfRepeated,  // so too, but a message that was damaged on the way would be answered alike
  kAttestAgain,  // another round, attempt or key is in force, or no aggregator is there just now
  kAskWhere,     // the two sides disagree about where the upload stands, or a message was damaged
  kUnknown,      // a code of a later release, or of no one
};

// A refusal is a claim of whoever sent it, the host included: the worst it can cause is that
// nothing is sent.
RefusalMeans MeaningOf(absl::string_view code);

// A peer's refusal as a PeerError with its explanation: it is the peer that refuses, not this
// side's policy.
absl::Status PeerRefusal(const RefusedMessage& refused);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_SESSION_REFUSAL_H_
