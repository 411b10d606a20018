#include "aggregator/core/hello/hello_batches.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::Status HelloBatches::Add(uint32_t participant, const Bytes& session,
                               const SessionNonce& nonce) {
  const auto known = of_party_.find(participant);
  const size_t of_party = known == of_party_.end() ? 0 : known->second.size();
  for (size_t i = 0; i < of_party; ++i) {
    Hello& each = *known->second[i];
    if (each.session != session) continue;
    if (each.nonce == nonce) return absl::OkStatus();
    if (each.asked) continue;
    each.nonce = nonce;
    return absl::OkStatus();
  }
  if (waiting_.size() >= kNonceBatchMax || held_ >= kWaitingMax || of_party >= kParticipantMax) {
    return Refused(
        {.code = "busy",
         .what = "hellos that wait for evidence",
         .expected = absl::StrCat("fewer than ", kNonceBatchMax, " for one document, ", kWaitingMax,
                                  " in all and ", kParticipantMax, " of one participant"),
         .found = absl::StrCat(waiting_.size(), ", ", held_, " and ", of_party),
         .advice = "say hello again later"});
  }
  waiting_.push_back(std::make_unique<Hello>(
      Hello{.participant = participant, .session = session, .nonce = nonce}));
  of_party_[participant].push_back(waiting_.back().get());
  ++held_;
  return absl::OkStatus();
}

void HelloBatches::Forget(const Hello& hello) {
  const auto party = of_party_.find(hello.participant);
  std::erase(party->second, &hello);
  if (party->second.empty()) of_party_.erase(party);
  --held_;
}

std::optional<HelloBatches::Question> HelloBatches::Ask(const Digest& binding) {
  if (asked_.has_value() || waiting_.empty()) return std::nullopt;
  Batch& batch = asked_.emplace(Batch());
  batch.hellos = std::exchange(waiting_, {});
  for (const auto& hello : batch.hellos) hello->asked = true;
  if (batch.hellos.size() == 1) {
    return Question{.nonce = ToBytes(batch.hellos[0]->nonce.span()),
                    .user_data = ToBytes(binding.span())};
  }
  for (const auto& hello : batch.hellos) batch.tree.Append(NonceLeaf(hello->nonce));
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
    answer(batch.hellos[index]->session, batch.document, std::move(path));
    Forget(*batch.hellos[index]);
    batch.hellos[index].reset();
    if (batch.answered == size) answering_.pop_front();
  }
}

}  // namespace sealfold
