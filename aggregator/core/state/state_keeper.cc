#include "aggregator/core/state/state_keeper.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/envelope/identity.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

std::string Hex(const std::optional<Digest>& digest) {
  return digest.has_value() ? digest->hex() : "none";
}

absl::Status OfAnother(absl::string_view what, std::string expected, std::string found) {
  return Refused({.code = absl::StrCat("state_of_another_", what),
                  .what = absl::StrCat(what, " that the stored state is bound to"),
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .advice = "hand back the state that was kept for the round before this one"});
}

void SendState(const StateHeader& header, ByteSpan state_key, ByteSpan model_key,
               Actions& actions) {
  SendHost(actions, KeepState{.round = header.round}, SealState(header, state_key, model_key));
}

}  // namespace

absl::StatusOr<std::optional<AskStateKey>> StateKeeper::OnStart(const RoundTerms& terms,
                                                                const std::optional<Bytes>& stored,
                                                                uint64_t token) {
  asked_.reset();
  if (plan_ == terms.plan.digest) return std::nullopt;
  Asked asked{.before = {.plan = terms.plan.digest,
                         .round = terms.round.value() - 1,
                         .record = terms.previous_record}};
  Bytes blob;
  if (stored.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(asked.stored, DecodeSealedState(*stored));
    const StateHeader& header = asked.stored->header;
    if (header.plan != terms.plan.digest) {
      return OfAnother("plan", terms.plan.digest.hex(), header.plan.hex());
    }
    if (header.record != terms.previous_record || header.round != asked.before.round) {
      return OfAnother("record", Hex(terms.previous_record), Hex(header.record));
    }
    blob = header.blob;
  }
  asked_ = std::move(asked);
  return AskStateKey{.token = token, .plan = terms.plan.digest, .blob = std::move(blob)};
}

absl::StatusOr<Secret> StateKeeper::OnKey(absl::StatusOr<StateKey> answer, Actions& actions) {
  SEALFOLD_CHECK(asked_.has_value());
  const Asked asked = *std::exchange(asked_, std::nullopt);
  SEALFOLD_RETURN_IF_ERROR(answer.status());
  if (answer->key.size() != kStateKeySize || answer->blob.empty() ||
      answer->blob.size() > kStateKeyBlobSizeMax) {
    return PeerError({.code = "state_key_size",
                      .what = "key that seals the state",
                      .expected = absl::StrCat(kStateKeySize, " bytes, and a blob of at most ",
                                               kStateKeyBlobSizeMax),
                      .found = absl::StrCat(answer->key.size(), " and ", answer->blob.size())});
  }
  Secret model_key;
  if (asked.stored.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(model_key, OpenState(*asked.stored, answer->key.span()));
  }
  key_ = *std::move(answer);
  identity_ = DeriveIdentity(key_.key.span());
  plan_ = asked.before.plan;
  if (!asked.stored.has_value()) {
    StateHeader first = asked.before;
    first.blob = key_.blob;
    SendState(first, key_.key.span(), {}, actions);
  }
  return model_key;
}

const SigningKey* StateKeeper::identity(const Digest& plan) const {
  return plan_ == plan ? &*identity_ : nullptr;
}

void StateKeeper::Keep(const RoundTerms& terms, const Digest& record, ByteSpan model_key,
                       Actions& actions) const {
  if (plan_ != terms.plan.digest) return;
  StateHeader header{
      .plan = terms.plan.digest, .round = terms.round.value(), .record = record, .blob = key_.blob};
  if (!model_key.empty()) header.model_key_commitment = ModelKeyCommitment(model_key);
  SendState(header, key_.key.span(), model_key, actions);
}

}  // namespace sealfold
