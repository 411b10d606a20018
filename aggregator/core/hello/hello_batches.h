// Hellos that wait for evidence. A platform makes few documents a second, so one answers every
// hello that came while the one before it was being made: who comes alone gets one of its own at
// once.
#ifndef SEALFOLD_AGGREGATOR_CORE_HELLO_HELLO_BATCHES_H_
#define SEALFOLD_AGGREGATOR_CORE_HELLO_HELLO_BATCHES_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"
#include "protocol/envelope/nonce_batch.h"
#include "protocol/log/merkle.h"

namespace sealfold {

// A pure state machine. Memory: of each hello its session, its nonce and some 100 bytes more, for
// at most kWaitingMax hellos.
class HelloBatches {
 public:
  static constexpr size_t kWaitingMax = 2 * kNonceBatchMax;  // in whatever stage
  static constexpr size_t kParticipantMax = 128;             // of those, one participant's
  static constexpr size_t kAnswersPerTurn = 256;             // each has a copy of its document

  // A session has one place for the next document: said again, its last nonce is the one that
  // counts, and what is on its way to an answer already is not asked for twice. PermissionDenied,
  // code "busy", where as many wait already, of all or of this participant (by its place in the
  // plan): anybody may say hello in another's name, and keeps nobody else from being answered.
  absl::Status Add(uint32_t participant, const Bytes& session, const SessionNonce& nonce);

  // What the next document must carry, which is for all hellos that no document was asked for; none
  // while one is being made, or where there are no such hellos.
  struct Question {
    Bytes nonce;
    Bytes user_data;
  };
  std::optional<Question> Ask(const Digest& binding);
  // The document that was asked for last, or why there is none. Requires: one is being made.
  void OnDocument(absl::StatusOr<Bytes> document);

  // Gives the next answers that can be given, at most kAnswersPerTurn of them, in the order of the
  // hellos; no path: the document is for this hello alone.
  using Answer = absl::FunctionRef<void(const Bytes& session, const absl::StatusOr<Bytes>& document,
                                        std::optional<NoncePath> path)>;
  void GiveAnswers(Answer answer);
  bool has_answers() const { return !answering_.empty(); }

 private:
  struct Hello {
    uint32_t participant;
    Bytes session;
    SessionNonce nonce;
    bool asked = false;  // a document was asked for
  };
  struct Batch {
    std::vector<std::unique_ptr<Hello>> hellos;
    MerkleLog tree;  // empty for one hello alone
    Digest root;
    absl::StatusOr<Bytes> document = Bytes();
    size_t answered = 0;
  };

  void Forget(const Hello& hello);

  std::vector<std::unique_ptr<Hello>> waiting_;
  std::optional<Batch> asked_;
  std::deque<Batch> answering_;
  size_t held_ = 0;                                              // hellos of all three
  absl::flat_hash_map<uint32_t, std::vector<Hello*>> of_party_;  // the same, by participant
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_HELLO_HELLO_BATCHES_H_
