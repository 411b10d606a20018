#include "participant-client/net/remote_host.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/net/download.h"
#include "participant-client/session/refusal.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/program/steady_clock.h"

namespace sealfold {
namespace {

// The host holds a status question back for up to 4 s when nothing is new; one that was killed
// meanwhile never answers.
constexpr uint64_t kStatusQuietMs = 6'000;

// The reply in `message` if it is an M or a refusal; none for anything else, which is ignored.
template <class M>
absl::StatusOr<std::optional<M>> ReadReply(const Message& message) {
  absl::StatusOr<std::string> type = cbor::PeekType(message.head);
  if (!type.ok()) return std::nullopt;
  if (*type == RefusedMessage::kType) {
    auto refused = cbor::DecodeFields<RefusedMessage>(message.head);
    if (refused.ok()) return PeerRefusal(*refused);
  }
  if (*type != M::kType) return std::nullopt;
  auto reply = cbor::DecodeFields<M>(message.head);
  if (!reply.ok()) return std::nullopt;
  return *std::move(reply);
}

}  // namespace

absl::Status PeerSilent(absl::string_view waiting_for, const Patience& patience) {
  return PeerError(
      {.code = "peer_silent",
       .what = absl::StrCat("waiting for ", waiting_for),
       .expected = "an answer",
       .found = absl::StrCat("none for ", patience.give_up_ms / 1000, " s"),
       .advice = "check the address and that the coordinator is running; then run this again, it "
                 "goes on where it was"});
}

absl::StatusOr<RunStatus> RemoteHost::Status(uint64_t after) {
  const Message question{.head = cbor::EncodeFields(StatusRequest{.after = after}), .bulk = {}};
  const uint64_t quiet_ms = std::max(patience_.quiet_ms, after == 0 ? 0 : kStatusQuietMs);
  const uint64_t deadline = SteadyMs() + patience_.give_up_ms;
  uint64_t ask_at = 0;
  for (uint64_t now = SteadyMs(); now < deadline; now = SteadyMs()) {
    if (now >= ask_at) {
      SEALFOLD_RETURN_IF_ERROR(link_.Send(question));
      ask_at = now + quiet_ms;
    }
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message,
                              link_.Receive(std::min(ask_at, deadline) - now));
    if (!message.has_value()) continue;
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<RunStatus> reply, ReadReply<RunStatus>(*message));
    if (reply.has_value()) return *std::move(reply);
  }
  return PeerSilent("the run's state", patience_);
}

absl::Status RemoteHost::Fetch(FileKind what, uint64_t round, uint64_t size_bytes_max,
                               const Sink& sink) {
  Download download(what, round, size_bytes_max);
  uint64_t deadline = SteadyMs() + patience_.give_up_ms;
  uint64_t ask_at = 0;
  while (!download.complete()) {
    const uint64_t now = SteadyMs();
    if (now >= deadline) {
      const char* const name = CborEnumNames(what)[static_cast<size_t>(what)];
      return PeerSilent(
          what == FileKind::kPlan ? "the plan" : absl::StrCat("the ", name, " of round ", round),
          patience_);
    }
    if (now >= ask_at) {
      download.AskAgain();
      ask_at = now + patience_.quiet_ms;
    }
    for (const Message& question : download.TakeQuestions()) {
      SEALFOLD_RETURN_IF_ERROR(link_.Send(question));
    }
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message,
                              link_.Receive(std::min(ask_at, deadline) - now));
    if (!message.has_value()) continue;
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Part> part, ReadReply<Part>(*message));
    if (!part.has_value()) continue;
    SEALFOLD_ASSIGN_OR_RETURN(bool taken, download.Take(*part, message->bulk));
    if (!taken) continue;
    SEALFOLD_RETURN_IF_ERROR(sink(message->bulk));
    deadline = SteadyMs() + patience_.give_up_ms;
    ask_at = SteadyMs() + patience_.quiet_ms;
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> RemoteHost::FetchBytes(FileKind what, uint64_t round,
                                             uint64_t size_bytes_max) {
  Bytes out;
  SEALFOLD_RETURN_IF_ERROR(Fetch(what, round, size_bytes_max, [&out](ByteSpan part) {
    Append(out, part);
    return absl::OkStatus();
  }));
  return out;
}

}  // namespace sealfold
