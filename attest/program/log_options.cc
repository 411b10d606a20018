#include "attest/program/log_options.h"

#include <utility>

#include "attest/program/verb.h"
#include "attest/tpm/log/event_log.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {

void LogOptions::Add(CLI::App& verb) {
  verb.add_option("--event-log", event_log,
                  "TPMs: the machine's event log, as its firmware wrote it; what the evidence "
                  "carries if left out")
      ->check(NotEmpty());
  verb.add_option("--reference-log", reference_log,
                  "TPMs: the event log of a machine that you trust: names the event from which a "
                  "register's difference comes")
      ->check(NotEmpty());
}

absl::StatusOr<std::optional<Field>> DescribeLogs(const LogOptions& options,
                                                  const std::optional<Bytes>& own_log,
                                                  const std::map<uint32_t, Bytes>& registers) {
  std::optional<Bytes> log = own_log;
  if (!options.event_log.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string text,
                              ReadFile(options.event_log, kEventLogSizeMax));
    log = ToBytes(AsBytes(text));
  }
  if (options.reference_log.empty()) {
    if (!log.has_value()) return std::optional<Field>();
    SEALFOLD_ASSIGN_OR_RETURN(nlohmann::ordered_json lines, EventLines(registers, *log));
    return std::optional<Field>(
        {"events", std::move(lines), "what firmware's log says was extended, NOT VERIFIED"});
  }
  if (!log.has_value()) {
    return BadInput({.code = "event_log_missing",
                     .what = "--reference-log",
                     .expected = "evidence with an event log to compare",
                     .found = "evidence without",
                     .advice = "give the machine's with --event-log"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::string reference,
                            ReadFile(options.reference_log, kEventLogSizeMax));
  SEALFOLD_ASSIGN_OR_RETURN(nlohmann::ordered_json differences,
                            RegisterDifferences(registers, *log, AsBytes(reference)));
  return std::optional<Field>({"differences", std::move(differences),
                               "from the reference log, the first of each register"});
}

}  // namespace sealfold
