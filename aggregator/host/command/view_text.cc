#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/host/command/watch.h"
#include "protocol/json/json_text.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

constexpr size_t kBarsMax = 20;
constexpr uint64_t kBarWidth = 24;
constexpr size_t kDetailShownMax = 4096;

std::string Bar(uint64_t done, uint64_t total) {
  const uint64_t filled = total == 0 ? 0 : std::min(done, total) * kBarWidth / total;
  std::string bar;
  for (uint64_t i = 0; i < kBarWidth; ++i) bar += i < filled ? "█" : "░";
  return bar;
}

}  // namespace

std::string ViewLine(const RunView& view) {
  const RunStatus& run = view.run;
  std::string line = absl::StrCat(view.name, ": ");
  if (run.phase == RunPhase::kRound) {
    absl::StrAppend(&line, "round ", run.round, "/", view.rounds);
    if (run.attempt > 1) absl::StrAppend(&line, ", attempt ", run.attempt);
    absl::StrAppend(&line, ", ", run.updates, "/", view.participants_total, " updates");
  } else {
    absl::StrAppend(&line, run.records, "/", view.rounds, " rounds published");
  }
  return absl::StrCat(line, ", ", OneLine(run.detail, kDetailShownMax));
}

std::vector<std::string> ViewTable(const RunView& view) {
  std::vector<std::string> lines = {ViewLine(view)};
  if (view.run.phase != RunPhase::kRound) return lines;
  size_t width = 0;
  const size_t shown = std::min(view.participants.size(), kBarsMax);
  for (size_t i = 0; i < shown; ++i) width = std::max(width, view.participants[i].name.size());
  for (size_t i = 0; i < shown; ++i) {
    const ParticipantView& p = view.participants[i];
    const uint64_t percent = view.chunks_total == 0 ? 0 : p.chunks * 100 / view.chunks_total;
    lines.push_back(absl::StrCat("  ", p.name, std::string(width - p.name.size() + 2, ' '),
                                 Bar(p.chunks, view.chunks_total), "  ",
                                 p.committed ? "committed" : absl::StrCat(percent, " %")));
  }
  if (view.participants_total > shown && shown > 0) {
    lines.push_back(absl::StrCat("  and ", view.participants_total - shown, " more"));
  }
  if (view.refused > 0)
    lines.push_back(absl::StrCat("  ", view.refused, " messages refused in this attempt"));
  return lines;
}

std::string ViewJson(const RunView& view) {
  nlohmann::ordered_json participants = nlohmann::ordered_json::array();
  for (const ParticipantView& p : view.participants) {
    participants.push_back({{"name", p.name}, {"chunks", p.chunks}, {"committed", p.committed}});
  }
  const auto phase = static_cast<size_t>(view.run.phase);
  const nlohmann::ordered_json out = {{"name", view.name},
                                      {"phase", CborEnumNames(view.run.phase)[phase]},
                                      {"round", view.run.round},
                                      {"rounds", view.rounds},
                                      {"attempt", view.run.attempt},
                                      {"records", view.run.records},
                                      {"updates", view.run.updates},
                                      {"quorum", view.quorum},
                                      {"aggregator", view.run.aggregator},
                                      {"detail", view.run.detail},
                                      {"chunks_total", view.chunks_total},
                                      {"staged_bytes", view.staged_bytes},
                                      {"refused", view.refused},
                                      {"participants", participants},
                                      {"participants_total", view.participants_total}};
  return JsonText(out);
}

}  // namespace sealfold
