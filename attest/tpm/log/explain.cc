#include "attest/tpm/log/explain.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/tpm/structure/tpm_hash.h"

namespace sealfold {
namespace {

std::string Step(const std::string& description, const Bytes& digest) {
  return absl::StrCat(description.empty() ? "a step" : description, ", digest ", ShortHex(digest));
}

std::vector<const TpmEvent*> EventsOf(const EventLog& log, uint32_t index) {
  std::vector<const TpmEvent*> events;
  for (const TpmEvent& event : log.events) {
    if (event.extends() && event.register_index == index) events.push_back(&event);
  }
  return events;
}

void Compare(const std::vector<const TpmEvent*>& events,
             const std::vector<ReferenceEvent>& reference, RegisterExplanation& out) {
  size_t i = 0;
  while (i < events.size() && i < reference.size() && events[i]->digest == reference[i].digest) {
    ++i;
  }
  out.differs = i < events.size() || i < reference.size();
  if (!out.differs) return;
  out.expected =
      i < reference.size() ? Step(reference[i].description, reference[i].digest) : "the end";
  out.found = i < events.size() ? Step(events[i]->Describe(), events[i]->digest) : "the end";
}

}  // namespace

ReferenceEvents ReferenceFromLog(const EventLog& log) {
  ReferenceEvents reference;
  for (const TpmEvent& event : log.events) {
    if (!event.extends()) continue;
    reference[event.register_index].push_back(
        {.digest = event.digest, .description = event.Describe()});
  }
  return reference;
}

std::vector<RegisterExplanation> ExplainRegisters(const EventLog& log,
                                                  const std::map<uint32_t, Bytes>& quoted,
                                                  const ReferenceEvents& reference) {
  const std::map<uint32_t, Bytes> replayed = ReplayEventLog(log);
  std::vector<RegisterExplanation> out;
  for (const auto& [index, value] : quoted) {
    const std::vector<const TpmEvent*> events = EventsOf(log, index);
    const auto expected = reference.find(index);
    if (events.empty() && expected == reference.end()) continue;
    RegisterExplanation explanation{.register_index = index};
    const auto found = replayed.find(index);
    explanation.log_holds = found == replayed.end() ? IsAllZero(value) : found->second == value;
    Compare(events, expected == reference.end() ? std::vector<ReferenceEvent>() : expected->second,
            explanation);
    out.push_back(std::move(explanation));
  }
  return out;
}

}  // namespace sealfold
