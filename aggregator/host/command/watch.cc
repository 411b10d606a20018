#include "aggregator/host/command/watch.h"

#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "absl/strings/str_cat.h"
#include "aggregator/host/control/client.h"
#include "aggregator/host/run/run_store.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kAskAgainMs = 250;
constexpr int kAnswerMs = 10'000;  // a status is answered within 4 s
constexpr int kAbsentMs = 30'000;

// Where views come from.
class Source {
 public:
  static absl::StatusOr<Source> Open(const WatchOptions& options) {
    const bool control = options.endpoint.empty();
    SEALFOLD_ASSIGN_OR_RETURN(HostClient client, control
                                                     ? HostClient::ConnectControl(options.folder)
                                                     : HostClient::Connect(options.endpoint));
    return Source(std::move(client), control);
  }

  absl::StatusOr<RunView> Next() {
    if (control_) return client_.AskFor<RunView>(ViewRequest{}, kAnswerMs);
    if (!plan_.has_value()) SEALFOLD_RETURN_IF_ERROR(FetchPlan());
    SEALFOLD_ASSIGN_OR_RETURN(RunStatus run,
                              client_.AskFor<RunStatus>(StatusRequest{.after = 0}, kAnswerMs));
    return RunView{.run = std::move(run),
                   .name = plan_->name,
                   .rounds = plan_->rounds,
                   .quorum = plan_->quorum,
                   .participants = {},
                   .participants_total = plan_->participants.size()};
  }

 private:
  Source(HostClient client, bool control) : client_(std::move(client)), control_(control) {}

  absl::Status FetchPlan() {
    Bytes bytes;
    uint64_t total = 1;
    while (bytes.size() < total) {
      const Bytes head =
          cbor::EncodeFields(GetRequest{.what = FileKind::kPlan, .offset = bytes.size()});
      SEALFOLD_ASSIGN_OR_RETURN(const Message answer,
                                client_.Ask({.head = head, .bulk = {}}, kAnswerMs));
      SEALFOLD_ASSIGN_OR_RETURN(const Part part, cbor::DecodeFields<Part>(answer.head));
      if (answer.bulk.empty() || part.total > kPlanFileBytesMax) break;
      total = part.total;
      Append(bytes, answer.bulk);
    }
    SEALFOLD_ASSIGN_OR_RETURN(SignedPlan plan, OpenPlan(bytes));
    plan_ = std::move(plan.plan);
    return absl::OkStatus();
  }

  HostClient client_;
  bool control_;
  std::optional<Plan> plan_;
};

// Redraws a table in place, or prints lines.
class Display {
 public:
  explicit Display(const Output& output) : output_(output) {}

  void Show(const RunView& view) {
    if (output_.terminal()) {
      Redraw(ViewTable(view));
      return;
    }
    // Rounds may pass between two looks: each has its line.
    for (records_ = records_ == kNone ? view.run.records : records_; records_ < view.run.records;
         ++records_) {
      output_.Line(
          absl::StrCat(view.name, ": round ", records_ + 1, "/", view.rounds, " published"));
    }
    std::string text = output_.json() ? ViewJson(view) : ViewLine(view);
    if (text == last_) return;
    output_.Json(text);
    output_.Line(text);
    last_ = std::move(text);
  }

 private:
  void Redraw(const std::vector<std::string>& lines) {
    std::string text = drawn_ == 0 ? "" : absl::StrCat("\x1b[", drawn_, "A");
    for (const std::string& line : lines) absl::StrAppend(&text, "\x1b[2K", line, "\n");
    absl::StrAppend(&text, "\x1b[J");
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    drawn_ = lines.size();
  }

  const Output& output_;
  static constexpr uint64_t kNone = UINT64_MAX;
  uint64_t records_ = kNone;  // published as far as shown
  std::string last_;
  size_t drawn_ = 0;
};

}  // namespace

absl::Status Watch(const WatchOptions& options, const Output& output) {
  using Clock = std::chrono::steady_clock;
  SEALFOLD_ASSIGN_OR_RETURN(Source source, Source::Open(options));
  Display display(output);
  Clock::time_point heard = Clock::now();
  while (true) {
    absl::StatusOr<RunView> view = source.Next();
    if (view.ok()) {
      heard = Clock::now();
      display.Show(*view);
      if (view->run.phase == RunPhase::kDone) return absl::OkStatus();
      if (view->run.phase == RunPhase::kFailed) {
        return PeerError({.code = "run_failed",
                          .what = absl::StrCat("run ", view->name),
                          .expected = absl::StrCat(view->rounds, " published rounds"),
                          .found = view->run.detail});
      }
    } else if (ErrorCode(view.status()) != "host_absent" ||
               Clock::now() - heard > std::chrono::milliseconds(kAbsentMs)) {
      return view.status();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kAskAgainMs));
  }
}

}  // namespace sealfold
