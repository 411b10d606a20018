#include "aggregator/core/hello/hello_batches.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::Status HelloBatches::Add(const Bytes& session, const SessionNonce& nonce) {
  if (waiting_.size() >= kNonceBatchMax || held_ >= kWaitingMax) {
    return Refused({.code = "busy",
                    .what = "hellos that wait for evidence",
                    .expected = absl::StrCat("fewer than ", kNonceBatchMax,
                                             " for one document and ", kWaitingMax, " in all"),
                    .found = absl::StrCat(waiting_.size(), " and ", held_),
                    .advice = "say hello again later"});
  }
  waiting_.push_back({.session = session, .nonce = nonce});
  ++held_;
  return absl::OkStatus();
}

std::optional<HelloBatches::Question> HelloBatches::Ask(const Digest& binding) {
  if (asked_.has_value() || waiting_.empty()) return std::nullopt;
  Batch& batch = asked_.emplace(Batch());
  batch.hellos = std::exchange(waiting_, {});
  if (batch.hellos.size() == 1) {
    return Question{.nonce = ToBytes(batch.hellos[0].nonce.span()),
                    .user_data = ToBytes(binding.span())};
  }
  for (const Hello& hello : batch.hellos) batch.tree.Append(NonceLeaf(hello.nonce));
  batch.root = batch.tree.Root();
  const NonceBatch signed_for{.binding = binding, .root = batch.root, .size = batch.hellos.size()};
  return Question{.nonce = ToBytes(batch.root.span()),
                  .user_data = ToBytes(signed_for.digest().span())};
}

void HelloBatches::OnDocument(absl::StatusOr<Bytes> document) {
  SEALFOLD_CHECK(asked_.has_value());
  asked_->document = std::move(document);
  answering_.push_back(*std::move(asked_));
  asked_.reset();
}

void HelloBatches::GiveAnswers(Answer answer) {
  for (size_t i = 0; i < kAnswersPerTurn && !answering_.empty(); ++i) {
    Batch& batch = answering_.front();
    const size_t size = batch.hellos.size();
    const size_t index = batch.answered++;
    std::optional<NoncePath> path;
    if (size > 1) {
      path = {.index = index,
              .size = size,
              .root = batch.root,
              .path = batch.tree.InclusionProof(index, size)};
    }
    answer(batch.hellos[index].session, batch.document, std::move(path));
    --held_;
    if (batch.answered == size) answering_.pop_front();
  }
}

}  // namespace sealfold
