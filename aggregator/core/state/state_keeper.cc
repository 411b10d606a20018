#include "aggregator/core/state/state_keeper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/envelope/identity.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/message/state_message.h"

namespace sealfold {
absl::StatusOr<std::optional<AskStateKey>> StateKeeper::OnStart(const RoundTerms& terms,
                                                                const std::optional<Bytes>& stored,
                                                                uint64_t token) {
  asked_.reset();
  if (plan_ == terms.plan.digest) return std::nullopt;
  Asked asked{.before = {.plan = terms.plan.digest,
                         .round = terms.round.value() - 1,
                         .record = terms.previous_record}};
  AskStateKey ask{.token = token, .plan = terms.plan.digest};
  if (stored.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(asked.stored, DecodeSealedState(*stored));
    const StateHeader& header = asked.stored->header;
    asked.stored_of_before = header.plan == asked.before.plan &&
                             header.round == asked.before.round &&
                             header.record == asked.before.record;
    ask.blob = header.blob;
    ask.blob_plan = header.plan;
  }
  asked_ = std::move(asked);
  return ask;
}

absl::StatusOr<Secret> StateKeeper::OnKey(absl::StatusOr<StateKey> answer, Actions& actions) {
  SEALFOLD_CHECK(asked_.has_value());
  const Asked asked = *std::exchange(asked_, std::nullopt);
  SEALFOLD_RETURN_IF_ERROR(answer.status());
  const size_t opens_size = asked.stored.has_value() ? kStateKeySize : 0;
  if (answer->key.size() != kStateKeySize || answer->opens.size() != opens_size ||
      answer->blob.empty() || answer->blob.size() > kStateKeyBlobSizeMax) {
    return PeerError({.code = "state_key_size",
                      .what = "keys of the state",
                      .expected = absl::StrCat(kStateKeySize, " bytes, a blob of at most ",
                                               kStateKeyBlobSizeMax, ", and ", opens_size),
                      .found = absl::StrCat(answer->key.size(), ", ", answer->blob.size(), " and ",
                                            answer->opens.size())});
  }
  StateContent content;
  if (asked.stored.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(content, OpenState(*asked.stored, answer->opens.span()));
  } else {
    content.identity_seed = IdentitySeed(answer->key.span());
  }
  key_ = {.key = std::move(answer->key), .blob = std::move(answer->blob)};
  identity_seed_ = std::move(content.identity_seed);
  identity_ = SigningKey::FromSeed(identity_seed_);
  plan_ = asked.before.plan;
  if (asked.stored_of_before) return std::move(content.model_key);
  SendState(asked.before, {}, actions);
  return Secret();
}

void StateKeeper::SendState(StateHeader header, ByteSpan model_key, Actions& actions) const {
  header.identity = identity_->public_key();
  header.blob = key_.blob;
  if (!model_key.empty()) header.model_key_commitment = ModelKeyCommitment(model_key);
  SendHost(actions, KeepState{.round = header.round},
           SealState(header, key_.key.span(),
                     {.identity_seed = Secret::CopyOf(identity_seed_.span()),
                      .model_key = Secret::CopyOf(model_key)}));
}

const SigningKey* StateKeeper::identity(const Digest& plan) const {
  return plan_ == plan ? &*identity_ : nullptr;
}

void StateKeeper::Keep(const RoundTerms& terms, const Digest& record, ByteSpan model_key,
                       Actions& actions) const {
  if (plan_ != terms.plan.digest) return;
  SendState({.plan = terms.plan.digest, .round = terms.round.value(), .record = record}, model_key,
            actions);
}

}  // namespace sealfold
