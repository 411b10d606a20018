#include "participant-client/join/join.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "participant-client/session/refusal.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// What became of trying to submit.
enum class Tried { kSubmitted, kSatOut, kLater };

class Joining {
 public:
  Joining(Client& client, const Trainer& train, const JoinWatcher& watcher)
      : client_(client), train_(train), watcher_(watcher) {}

  absl::Status Run() {
    uint64_t version = 0;
    while (true) {
      SEALFOLD_ASSIGN_OR_RETURN(RunStatus status, client_.Status(version));
      version = status.version;
      SEALFOLD_RETURN_IF_ERROR(TakeRecords(status));
      if (Over()) return Finish();
      if (status.phase == RunPhase::kFailed) {
        return PeerError({.code = "run_failed",
                          .what = "the run, as its coordinator tells",
                          .expected = "all rounds published",
                          .found = status.detail});
      }
      if (!WantsUpdate(status)) continue;
      SEALFOLD_ASSIGN_OR_RETURN(Tried tried, TryToSubmit());
      if (tried == Tried::kSatOut) sat_out_ = {status.round, status.attempt};
    }
  }

 private:
  Round round() const { return client_.memory().round_next(); }
  bool Over() const { return round().value() > client_.plan().plan.rounds; }
  std::string UpdatePath(Round of) const {
    return client_.Path(absl::StrCat("update-", of.value(), ".safetensors"));
  }
  void Note(const std::string& text) const {
    if (watcher_.note) watcher_.note(text);
  }

  absl::Status TakeRecords(const RunStatus& status) {
    while (!Over() && round().value() <= status.records) {
      const Round taken = round();
      SEALFOLD_ASSIGN_OR_RETURN(RoundReport report, client_.NextRecord());
      out_of_step_ = 0;
      if (watcher_.round) watcher_.round(report);
      RemoveFiles(absl::StrCat("update-", taken.value(), "."));
      RemoveFiles(absl::StrCat("model-", taken.value() - 1, "."));
    }
    return absl::OkStatus();
  }

  // What the run's folder has of a round that is over, with what a trainer that was killed may have
  // left.
  void RemoveFiles(absl::string_view prefix) const {
    std::error_code error;
    for (const auto& file : std::filesystem::directory_iterator(client_.Path("."), error)) {
      if (absl::StartsWith(file.path().filename().string(), prefix)) {
        std::filesystem::remove(file.path(), error);
      }
    }
  }

  // Whether the round that the host tells of can take an update from here. A hint only: what it is
  // in truth is judged by the evidence.
  bool WantsUpdate(const RunStatus& status) const {
    if (status.phase != RunPhase::kRound || status.round != round().value()) return false;
    if (sat_out_ == std::pair(status.round, status.attempt)) return false;
    const auto& entered = client_.memory().entered;
    return !client_.memory().HasReceipt(round()) || entered->attempt.value() < status.attempt;
  }

  absl::StatusOr<Tried> TryToSubmit() {
    const Round now = round();
    std::error_code error;
    if (!std::filesystem::exists(UpdatePath(now), error)) {
      // Before the work of training: is this an aggregator that could be given anything?
      if (!attested_) {
        SEALFOLD_ASSIGN_OR_RETURN(CheckList checks, client_.Attest());
        if (watcher_.checks) watcher_.checks(checks);
        if (!checks.passed()) return Sort(checks.status());
        attested_ = true;
      }
      SEALFOLD_ASSIGN_OR_RETURN(std::string model, client_.BaseModel());
      SEALFOLD_RETURN_IF_ERROR(train_(now, model, UpdatePath(now)));
    }
    SubmitWatcher sending;
    sending.checks = watcher_.checks;
    if (watcher_.sending) {
      sending.acknowledged = [&](uint64_t chunks, uint64_t of) {
        watcher_.sending(now, chunks, of);
      };
    }
    absl::StatusOr<Submission> submission = client_.Submit(UpdatePath(now), std::nullopt, sending);
    if (!submission.ok()) return Sort(submission.status());
    if (watcher_.submitted) watcher_.submitted(*submission);
    return Tried::kSubmitted;
  }

  // Which failures end the run for this participant, and which only this attempt.
  absl::StatusOr<Tried> Sort(const absl::Status& status) {
    const std::string code = ErrorCode(status);
    if (MeaningOf(code) == RefusalMeans::kAttestAgain) return Tried::kLater;
    if (code == "offer_round_seen" || code == "offer_round_ahead" || code == "offer_chain_broken" ||
        code == "offer_base_model") {
      // The run moved on meanwhile; or the aggregator was started on another history, which no
      // record here will ever lead to.
      if (++out_of_step_ > kOutOfStepMax) return status;
      return Tried::kLater;
    }
    if (code == "offer_attempt_limit" || code == "offer_attempt_old" ||
        code == "offer_key_changed" || code == "offer_update_changed" || code == "round_closed") {
      Note(absl::StrCat("not sent in this attempt: ", Explain(status).what, ", expected ",
                        Explain(status).expected, ", found ", Explain(status).found,
                        "; waiting for the round's record"));
      return Tried::kSatOut;
    }
    return status;
  }

  absl::Status Finish() {
    SEALFOLD_ASSIGN_OR_RETURN(std::string model, client_.BaseModel());
    Note(absl::StrCat("the run is over; its verified model is at ", model));
    return absl::OkStatus();
  }

  static constexpr int kOutOfStepMax = 10;

  Client& client_;
  const Trainer& train_;
  const JoinWatcher& watcher_;
  bool attested_ = false;
  std::pair<uint64_t, uint64_t> sat_out_ = {0, 0};  // round and attempt
  int out_of_step_ = 0;                             // times in a row
};

}  // namespace

absl::Status Join(Client& client, const Trainer& train, const JoinWatcher& watcher) {
  return Joining(client, train, watcher).Run();
}

}  // namespace sealfold
