#include "attest/program/verb.h"
#include "attest/report/describe_evidence.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status ExplainFile(const std::string& path, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string evidence, ReadFile(path, kEvidenceBytesMax));
  const absl::StatusOr<Description> description = DescribeEvidence(AsBytes(evidence));
  if (!description.ok()) return About(path, description.status());
  PrintDescription(output, *description);
  return absl::OkStatus();
}

}  // namespace

void AddExplain(CLI::App& app, Verb& called) {
  auto path = std::make_shared<std::string>();
  CLI::App* verb = app.add_subcommand(
      "explain", "Prints what evidence says, without judging it: anyone can write such a document");
  verb->add_option("evidence", *path, "The attestation document")->required();
  verb->footer("Example:\n  sealfold-attest explain evidence.cose");
  verb->callback([path, &called] {
    called = [path](const Output& output) { return ExplainFile(*path, output); };
  });
}

}  // namespace sealfold
