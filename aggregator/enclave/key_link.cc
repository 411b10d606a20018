#include "aggregator/enclave/key_link.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

constexpr cbor::Limits kHeadLimits = {
    .size_bytes_max = kMessageHeadBytesMax, .items_max = 16, .depth_max = 2};

EncryptionContext StatesOf(const Digest& plan) { return {{"sealfold-state-of-plan", plan.hex()}}; }

absl::StatusOr<StateKey> AskService(const KeySettings& settings, const AskStateKey& ask,
                                    AccessKey access_key, const KeyLink::MakeAttester& make,
                                    UniqueFd fd) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Attester> attester, make());
  const std::string host = settings.port == 443
                               ? settings.service.host
                               : absl::StrCat(settings.service.host, ":", settings.port);
  KeyClient client({.host = host, .region = settings.region, .access_key = std::move(access_key)},
                   *attester, MakeTlsPost(settings.service, std::move(fd)), &WallMs);
  if (!ask.blob.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(Secret key,
                              client.Decrypt(ask.blob, StatesOf(ask.blob_plan), settings.key_id));
    return StateKey{.opens = std::move(key)};
  }
  SEALFOLD_ASSIGN_OR_RETURN(
      DataKey key, client.GenerateDataKey(settings.key_id, kStateKeySize, StatesOf(ask.plan)));
  return StateKey{.key = std::move(key.key), .blob = std::move(key.blob)};
}

absl::Status Ended(std::string found) {
  return PeerError({.code = "key_service_unreachable",
                    .what = "way to the key service",
                    .expected = "a host that relays to it",
                    .found = std::move(found),
                    .advice = "start the coordinator with --key-service and --key-access"});
}

}  // namespace

absl::Status CheckKeySettings(const KeySettings& settings) {
  SEALFOLD_RETURN_IF_ERROR(CheckTlsService(settings.service));
  // Where an own broker is asked there is one owner of keys. Elsewhere a name without an account is
  // a key of whichever account the host's access key has.
  if (settings.region == KeySettings().region || absl::StartsWith(settings.key_id, "arn:")) {
    return absl::OkStatus();
  }
  return BadInput(
      {.code = "key_id_ambiguous",
       .what = "key that seals the state",
       .expected = "its ARN",
       .found = settings.key_id,
       .advice = "an id or alias is one of whichever account the host's access key has"});
}

// The thread may be in a device's hands, and the loop that serves rounds must not wait for that.
void KeyLink::DropCall() {
  if (call_ == nullptr) return;
  call_->Abandon();
  if (!call_->done()) abandoned_.push_back(std::move(call_));
  call_.reset();
}

void KeyLink::Ask(AskStateKey ask, Actions& actions) {
  std::erase_if(abandoned_, [](const auto& each) { return each->done(); });
  opened_ = Secret();
  asked_ = std::move(ask);
  if (abandoned_.size() >= kAbandonedMax) {
    return Finish(PeerError({.code = "attester_busy",
                             .what = "questions to the key service that wait for evidence",
                             .expected = absl::StrCat("fewer than ", kAbandonedMax),
                             .found = absl::StrCat(abandoned_.size()),
                             .advice = "see whether the platform's device answers, then start "
                                       "the round again"}),
                  actions);
  }
  DropCall();
  SendHost(actions, KeyOpen{.call = ++calls_});
}

bool KeyLink::OnHost(const Message& message, Actions& actions) {
  const std::string type = cbor::PeekType(message.head, kHeadLimits).value_or("");
  if (type == KeyAccess::kType) {
    const absl::StatusOr<KeyAccess> access =
        cbor::DecodeFields<KeyAccess>(message.head, kHeadLimits);
    if (!access.ok() || access->call != calls_ || !asked_.has_value() || call_ != nullptr) {
      return true;
    }
    const absl::Status status = OnAccess(*access);
    if (!status.ok()) Finish(status, actions);
    return true;
  }
  if (type != KeyBytes::kType) return false;
  const absl::StatusOr<KeyBytes> bytes = cbor::DecodeFields<KeyBytes>(message.head, kHeadLimits);
  if (!bytes.ok() || bytes->call != calls_ || !asked_.has_value()) return true;
  if (call_ == nullptr) {
    Finish(Ended("one that does not"), actions);
    return true;
  }
  call_->Give(message.bulk);
  if (bytes->end) call_->End();
  return true;
}

absl::Status KeyLink::OnAccess(const KeyAccess& access) {
  SEALFOLD_ASSIGN_OR_RETURN(AccessKey access_key, ParseAccessKey(access.access_key));
  call_ = std::make_unique<KeyCall>([settings = settings_, ask = *asked_, make = make_attester_,
                                     access_key = std::move(access_key)](UniqueFd fd) mutable {
    return AskService(settings, ask, std::move(access_key), make, std::move(fd));
  });
  return absl::OkStatus();
}

void KeyLink::OnHostConnected(Actions& actions) {
  if (asked_.has_value()) Finish(Ended("one that came anew"), actions);
}

void KeyLink::OnReadable(Actions& actions) {
  KeyCall::Taken taken = call_->Take();
  if (taken.answer.has_value()) {
    Finish(*std::move(taken.answer), actions);
  } else if (!taken.for_service.empty()) {
    SendHost(actions, KeyBytes{.call = calls_}, std::move(taken.for_service));
  }
}

void KeyLink::Finish(absl::StatusOr<StateKey> key, Actions& actions) {
  if (call_ != nullptr) SendHost(actions, KeyBytes{.call = calls_, .end = true});
  DropCall();
  if (key.ok() && !asked_->blob.empty()) {
    opened_ = std::move(key->opens);
    asked_->blob.clear();
    SendHost(actions, KeyOpen{.call = ++calls_});
    return;
  }
  if (key.ok()) key->opens = std::move(opened_);
  answer_ = Answer{.token = asked_->token, .key = std::move(key)};
  asked_.reset();
}

}  // namespace sealfold
