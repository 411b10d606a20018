// How far each participant's upload is, as the relay sees it: for display only.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_UPLOAD_VIEW_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_UPLOAD_VIEW_H_

#include <map>

#include "protocol/message/message.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// One thread. Bounded by the plan's participants.
class UploadView {
 public:
  explicit UploadView(const Plan& plan);

  // A new attempt: everything starts over. Nothing for the one that is already counted.
  void OnAttempt(uint64_t round, uint64_t attempt);
  // A relayed message; what is no chunk of a participant of the plan is passed over.
  void OnRelayed(const Message& message);

  // Chunks of the participant that passed, as far as its last chunk's index says.
  uint64_t chunks(const SigningPublicKey& participant) const;
  uint64_t chunks_total() const { return chunks_total_; }  // of an update

 private:
  uint64_t sealed_chunk_bytes_;
  uint64_t chunks_total_;
  uint64_t round_ = 0;
  uint64_t attempt_ = 0;
  std::map<SigningPublicKey, uint64_t> chunks_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_UPLOAD_VIEW_H_
