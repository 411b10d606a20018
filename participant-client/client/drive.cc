#include "participant-client/client/drive.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "participant-client/session/refusal.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/fields.h"
#include "protocol/program/steady_clock.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

// Each silence doubles the wait before the next question, up to this many times the first.
constexpr uint64_t kQuietGrowthMax = 8;
constexpr int kOffersDamagedMax = 3;
constexpr int kDoubtsMax = 3;

absl::Status SendAll(Link& link, const std::vector<Message>& messages) {
  for (const Message& message : messages) SEALFOLD_RETURN_IF_ERROR(link.Send(message));
  return absl::OkStatus();
}

absl::Status GaveUp(const absl::Status& last_problem, const Patience& patience) {
  absl::Status silent = PeerSilent("the aggregator", patience);
  if (last_problem.ok()) return silent;
  Explanation why = Explain(last_problem);
  why.advice = why.advice.empty() ? Explain(silent).advice : why.advice;
  return PeerError(why);
}

// While it is heard that the upload waits for others, patience does not run out before the round
// does.
class Waiting {
 public:
  Waiting(const Session& session, const Patience& patience)
      : session_(session),
        patience_(patience),
        turn_ms_(std::max(patience.give_up_ms, session.deadline_ms())) {}

  void Heard(uint64_t now_ms) { heard_ms_ = now_ms; }
  void GotFurther(uint64_t now_ms) { further_ms_ = now_ms; }
  uint64_t give_up_at() const {
    if (!session_.waits_its_turn()) return further_ms_ + patience_.give_up_ms;
    return std::min(further_ms_ + turn_ms_, heard_ms_ + patience_.give_up_ms);
  }
  absl::Status GaveUp(uint64_t now_ms) const {
    if (!session_.waits_its_turn() || now_ms >= heard_ms_ + patience_.give_up_ms) {
      return sealfold::GaveUp(session_.last_problem(), patience_);
    }
    return PeerError(
        {.code = "upload_waits",
         .what = "upload to the aggregator",
         .expected = "room for it, or its receipt, within the round's time",
         .found = absl::StrCat("neither for ", turn_ms_ / 1000, " s"),
         .advice = "other updates come first; run this again, it goes on where it was"});
  }

 private:
  const Session& session_;
  const Patience& patience_;
  const uint64_t turn_ms_;
  uint64_t further_ms_ = SteadyMs();
  uint64_t heard_ms_ = further_ms_;
};

bool SaidToBeAbsent(const Session& session) {
  return session.state() == Session::State::kAttesting &&
         MeaningOf(ErrorCode(session.last_problem())) == RefusalMeans::kAttestAgain;
}

template <class M>
std::optional<M> ReadAs(const Message& message) {
  auto decoded = cbor::DecodeFields<M>(message.head);
  return decoded.ok() ? std::optional<M>(*std::move(decoded)) : std::nullopt;
}

}  // namespace

absl::Status DriveSession(Session& session, Link& link, const Patience& patience,
                          const SessionWatcher& watcher) {
  SEALFOLD_RETURN_IF_ERROR(SendAll(link, session.Start()));
  uint64_t quiet_ms = patience.quiet_ms;
  uint64_t quiet_at = SteadyMs() + quiet_ms;
  Waiting waiting(session, patience);
  uint64_t steps = session.steps();
  uint64_t present_at = SteadyMs();  // when last something else than "not there" was heard
  while (!session.finished()) {
    const uint64_t now = SteadyMs();
    if (!SaidToBeAbsent(session)) present_at = now;
    if (now - present_at >= patience.absent_ms) return session.last_problem();
    if (session.steps() != steps) {
      steps = session.steps();
      waiting.GotFurther(now);
      quiet_ms = patience.quiet_ms;
    }
    const uint64_t give_up_at = waiting.give_up_at();
    if (now >= give_up_at) return waiting.GaveUp(now);
    if (now >= quiet_at) {
      SEALFOLD_RETURN_IF_ERROR(SendAll(link, session.OnQuiet()));
      quiet_ms = std::min(quiet_ms * 2, patience.quiet_ms * kQuietGrowthMax);
      quiet_at = now + quiet_ms;
    }
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message,
                              link.Receive(std::min(quiet_at, give_up_at) - now));
    if (!message.has_value()) continue;
    waiting.Heard(SteadyMs());
    const std::vector<Message> answers = session.OnMessage(*message, WallMs());
    SEALFOLD_RETURN_IF_ERROR(SendAll(link, answers));
    // What answers a message with another keeps the conversation going; a refusal that is only
    // waited out does not.
    if (!answers.empty()) quiet_at = SteadyMs() + quiet_ms;
    if (watcher) watcher(session);
  }
  return session.status();
}

absl::StatusOr<OfferJudgement> DriveAttestation(const OfferTerms& terms, Link& link,
                                                const Patience& patience) {
  absl::Status last_problem;
  int damaged = 0;
  int doubts = 0;
  SessionNonce nonce = RandomNonce();
  uint64_t ask_at = 0;
  const uint64_t start = SteadyMs();
  const uint64_t give_up_at = start + patience.give_up_ms;
  for (uint64_t now = SteadyMs(); now < give_up_at; now = SteadyMs()) {
    if (now >= ask_at) {
      SEALFOLD_RETURN_IF_ERROR(link.Send(MakeHello(terms, nonce)));
      ask_at = now + patience.quiet_ms;
    }
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message,
                              link.Receive(std::min(ask_at, give_up_at) - now));
    if (!message.has_value()) continue;
    if (auto refused = ReadAs<RefusedMessage>(*message); refused.has_value()) {
      last_problem = PeerRefusal(*refused);
      const RefusalMeans meaning = MeaningOf(refused->code);
      const bool absent = meaning == RefusalMeans::kAttestAgain;
      if (absent && now - start >= patience.absent_ms) return last_problem;
      if (meaning == RefusalMeans::kFinalIfRepeated && ++doubts >= kDoubtsMax) return last_problem;
    }
    auto offer = ReadAs<Offer>(*message);
    if (!offer.has_value()) continue;
    OfferJudgement judgement = JudgeOffer(terms, *offer, nonce, WallMs());
    if (judgement.checks.passed() || judgement.authentic || ++damaged >= kOffersDamagedMax) {
      return judgement;
    }
    nonce = RandomNonce();
    ask_at = 0;
  }
  return GaveUp(last_problem, patience);
}

}  // namespace sealfold
