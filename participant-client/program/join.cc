#include "participant-client/join/join.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/report/check_report.h"
#include "participant-client/join/train_command.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

// How long an aggregator that is said not to be there is waited for within one submission: `join`
// then looks at the run's state again.
constexpr uint64_t kAbsentMs = 3000;

struct JoinOptions {
  RunOptions run;
  std::string train_command;
};

// What of the checks is the same from round to round as long as nothing about the aggregator, the
// plan or the policy changes.
std::string Constant(const CheckList& checks) {
  std::string out = checks.caveat();
  for (const Check& check : checks.checks()) {
    absl::StrAppend(&out, "\n", check.name, check.passed ? " ok" : " NO");
    if (check.name == "registers" || check.name == "identity" ||
        absl::StartsWith(check.name, "plan")) {
      absl::StrAppend(&out, " ", check.found);
    }
  }
  return out;
}

class Telling {
 public:
  explicit Telling(const Output& output) : output_(output) {}

  void Checks(const CheckList& checks) {
    ClearBar();
    const std::string constant = Constant(checks);
    if (!output_.json() && constant == told_) return;
    told_ = constant;
    PrintChecks(output_, "the aggregator", checks);
  }
  void Sending(Round round, uint64_t chunks, uint64_t of) {
    if (!output_.terminal()) return;
    std::printf("\rround %llu: sealed and sent %llu of %llu chunks",
                static_cast<unsigned long long>(round.value()),
                static_cast<unsigned long long>(chunks), static_cast<unsigned long long>(of));
    std::fflush(stdout);
    bar_ = true;
  }
  void Submitted(const Submission& submission) {
    ClearBar();
    const LogEntry& entry = submission.entry;
    output_.Json(JsonText(nlohmann::json{{"event", "submitted"},
                                         {"round", entry.round.value()},
                                         {"attempt", entry.attempt.value()},
                                         {"log_index", entry.index}}));
    if (entry.attempt > Attempt(1)) {
      output_.Line(absl::StrCat("round ", entry.round.value(), ": sent again, in attempt ",
                                entry.attempt.value()));
    }
  }
  void RoundVerified(const RoundReport& report) {
    ClearBar();
    output_.Json(JsonText(RoundJson(report)));
    output_.Line(RoundLine(report));
    caveat_ = report.checks.caveat();
  }
  void Note(const std::string& text) {
    ClearBar();
    PrintNote(output_, text);
  }
  void End() {
    ClearBar();
    PrintCaveat(output_, caveat_);
  }

 private:
  void ClearBar() {
    if (bar_) std::printf("\r\x1b[K");
    bar_ = false;
  }

  const Output& output_;
  std::string told_;
  std::string caveat_;
  bool bar_ = false;
};

absl::Status JoinRun(const JoinOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(
      std::unique_ptr<Client> client,
      options.run.Open({.give_up_ms = options.run.patience_seconds * 1000, .absent_ms = kAbsentMs},
                       output));
  const Plan& plan = client->plan().plan;
  output.Json(JsonText(nlohmann::json{{"event", "plan"},
                                      {"name", plan.name},
                                      {"digest", client->plan().digest.hex()},
                                      {"rounds", plan.rounds},
                                      {"participants", plan.participants.size()},
                                      {"quorum", plan.quorum},
                                      {"folder", client->Path("")},
                                      {"checks", ChecksJson(client->plan_checks().checks())}}));
  output.Line(absl::StrCat(output.Bold(plan.name), ": ", plan.rounds, " rounds, ",
                           plan.participants.size(), " participants, quorum ", plan.quorum,
                           ", plan ", client->plan().digest.hex().substr(0, 12)));
  Telling telling(output);
  const JoinWatcher watcher = {
      .checks = [&](const CheckList& checks) { telling.Checks(checks); },
      .sending = [&](Round round, uint64_t chunks,
                     uint64_t of) { telling.Sending(round, chunks, of); },
      .submitted = [&](const Submission& submission) { telling.Submitted(submission); },
      .round = [&](const RoundReport& report) { telling.RoundVerified(report); },
      .note = [&](const std::string& text) { telling.Note(text); }};
  const Trainer trainer = [&](Round round, const std::string& model, const std::string& update) {
    return Train(options.train_command, round, model, update);
  };
  absl::Status status = Join(*client, trainer, watcher);
  telling.End();
  return status;
}

}  // namespace

void AddJoin(CLI::App& app, Verb& called) {
  auto options = std::make_shared<JoinOptions>();
  CLI::App* verb = app.add_subcommand(
      "join", "Takes part in every round until the run ends: fetch, verify, train, seal, submit");
  options->run.AddTo(*verb);
  verb->add_option(
          "--train", options->train_command,
          "Shell command that reads $SEALFOLD_MODEL and writes $SEALFOLD_UPDATE (safetensors, with "
          "num_examples as metadata); $SEALFOLD_ROUND is the round")
      ->required();
  verb->footer(
      "Example:\n  sealfold-participant join --connect tcp://coordinator.example:7300 --policy "
      "policy.json "
      "\\\n    --key north.key --state state --train 'python3 train.py \"$SEALFOLD_MODEL\" "
      "\"$SEALFOLD_UPDATE\"'\n\nMay be stopped and started again at any time: it goes on where it "
      "was.");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return JoinRun(*options, output); };
  });
}

}  // namespace sealfold
