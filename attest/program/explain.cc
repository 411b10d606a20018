#include "attest/program/log_options.h"
#include "attest/program/verb.h"
#include "attest/report/describe_evidence.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

struct ExplainOptions {
  std::string path;
  LogOptions logs;
};

absl::Status ExplainFile(const ExplainOptions& options, const Output& output) {
  const std::string& path = options.path;
  SEALFOLD_ASSIGN_OR_RETURN(const std::string evidence, ReadFile(path, kEvidenceBytesMax));
  absl::StatusOr<Description> description = DescribeEvidence(AsBytes(evidence));
  if (!description.ok()) return About(path, description.status());
  SEALFOLD_ASSIGN_OR_RETURN(const ClaimedRegisters claimed,
                            ReadClaimedRegisters(AsBytes(evidence)));
  SEALFOLD_ASSIGN_OR_RETURN(std::optional<Field> logged,
                            DescribeLogs(options.logs, claimed.event_log, claimed.registers));
  if (logged.has_value()) description->fields.push_back(*std::move(logged));
  PrintDescription(output, *description);
  return absl::OkStatus();
}

}  // namespace

void AddExplain(CLI::App& app, Verb& called) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* verb = app.add_subcommand(
      "explain", "Prints what evidence says, without judging it: anyone can write such a document");
  verb->add_option("evidence", options->path, "The attestation document")->required();
  options->logs.Add(*verb);
  verb->footer("Example:\n  sealfold-attest explain evidence.cose");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return ExplainFile(*options, output); };
  });
}

}  // namespace sealfold
