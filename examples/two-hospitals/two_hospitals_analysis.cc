// two-hospitals-analysis: the program that both hospitals' keys are released to.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <optional>

#include "attest/connect/attester_options.h"
#include "examples/two-hospitals/analysis.h"
#include "protocol/base/error.h"
#include "protocol/program/command_line.h"

namespace sealfold::two_hospitals {
namespace {

// What may hold patients goes into no core dump.
void Harden() {
  const rlimit no_core = {0, 0};
  SEALFOLD_CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
  SEALFOLD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

int Main(int argc, char** argv) {
  Harden();
  QuietTpmLibrary();
  CLI::App app(
      "Joint statistics of two hospitals' patients, by keys that each releases to this program "
      "alone.",
      "two-hospitals-analysis");
  AnalysisOptions options;
  AttesterSettings attester_settings;
  bool json = false;
  app.add_option("--agreement", options.agreement_path, "What the hospitals agreed upon, JSON")
      ->required();
  app.add_option("--hospital", options.hospitals,
                 "FOLDER HOST:PORT, twice: data.sealed, tls.pem and access.json of a hospital, and "
                 "where its key service listens")
      ->required()
      ->expected(2);
  AddAttesterOptions(app, attester_settings);
  app.add_option("--out", options.out_path, "Where the statistics go, JSON")->required();
  app.add_option("--evidence", options.evidence_path,
                 "Where evidence goes that this program computed them: its user_data is the "
                 "SHA-256 of --out");
  app.add_flag("--json", json, "Print one JSON object instead of text");
  app.footer(
      "Nothing is written but the statistics. Exit codes: 0 done, 2 usage, 3 refused, 4 network, "
      "5 bad input.\n\n"
      "Example:\n"
      "  two-hospitals-analysis --agreement agreement.json --attester nsm.sock --out result.json\n"
      "  --hospital host/north 127.0.0.1:8441 --hospital host/south 127.0.0.1:8442");
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  absl::StatusOr<std::unique_ptr<Attester>> attester = ConnectAttester(attester_settings);
  if (!attester.ok()) return output.Finish(attester.status());
  return output.Finish(Analyse(options, **attester, output));
}

}  // namespace
}  // namespace sealfold::two_hospitals

int main(int argc, char** argv) { return sealfold::two_hospitals::Main(argc, argv); }
