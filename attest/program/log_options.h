// Event logs beside evidence, for who asks which component makes a register differ: options that
// `explain` and `verify` share.
#ifndef SEALFOLD_ATTEST_PROGRAM_LOG_OPTIONS_H_
#define SEALFOLD_ATTEST_PROGRAM_LOG_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "attest/report/register_differences.h"
#include "protocol/program/description.h"

namespace sealfold {

struct LogOptions {
  std::string event_log;      // path; empty: what the evidence carries
  std::string reference_log;  // path; empty: none

  void Add(CLI::App& verb);
};

// What the logs tell of `registers`, the claimed ones or those verified: the first differences
// where a reference is named, else the events; nothing where there is no log. InvalidArgument: of
// the files, "event_log_missing" for a reference with nothing to compare.
absl::StatusOr<std::optional<Field>> DescribeLogs(const LogOptions& options,
                                                  const std::optional<Bytes>& own_log,
                                                  const std::map<uint32_t, Bytes>& registers);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_PROGRAM_LOG_OPTIONS_H_
