// A round of a thousand small participants over loopback, through the real coordinator and
// aggregator: rounds a second, and how long a participant waits for its receipt when all submit at
// once. The participants are threads of this process, on the same cores.
//
// Beside what the participants' own checks allow: each verifies the aggregator's evidence, whose
// certificates this process knows from the first of them on.
#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/attester.h"
#include "attest/measure/program_file.h"
#include "attest/verifier.h"
#include "attest/x509/chain_cache.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/crowd.h"

namespace sealfold::bench {
namespace {

constexpr int kRepeatsMax = 3;
constexpr size_t kPemBytesMax = 1 << 16;

// Verifications a second of evidence of the platform that the rounds run on, on one core, by who
// knows its certificates.
absl::StatusOr<Samples> EvidenceRate(const Report& report) {
  const OneCore one_core;
  const TempDir directory;
  const std::string socket = directory.Path("nsm.sock");
  const std::string program = absl::StrCat(SEALFOLD_PROGRAMS, "/sealfold-softnsm");
  SEALFOLD_ASSIGN_OR_RETURN(
      ChildProcess platform,
      ChildProcess::Start({program, "serve", "--state", directory.path(), "--socket", socket},
                          {.err = ChildProcess::Stream::kNull}));
  SEALFOLD_CHECK(platform.ReadLine().has_value());  // ready
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Attester> attester,
                            ConnectSoftwareAttester(socket));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string root,
                            ReadFile(directory.Path("root.pem"), kPemBytesMax));
  SEALFOLD_ASSIGN_OR_RETURN(const Measurement own, MeasureProgram("/proc/self/exe"));
  const EvidencePolicy policy{
      .platform = "sealfold-softnsm",
      .root_pem = root,
      .reference_values = {{.name = "bench", .registers = {{0, ToBytes(own.span())}}}}};
  const SessionNonce nonce = RandomNonce();
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes evidence, attester->Attest(nonce.span(), {}, {}));
  const EvidenceExpectation expectation{.nonce = ToBytes(nonce.span()), .check_freshness = false};
  ChainCache chains;
  return MeasureRates(
      report.options(), Clock::kThreadCpu, {{.call = [&] {
        SEALFOLD_CHECK(VerifyEvidence(evidence, policy, expectation, &chains).passed());
      }}})[0];
}

double Quantile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(part * static_cast<double>(values.size() - 1))];
}

absl::Status BenchRoundSmall(const Report& report) {
  const size_t participants = report.options().tiny ? 10 : 1000;
  SEALFOLD_ASSIGN_OR_RETURN(const Samples evidence, EvidenceRate(report));
  Crowd crowd(participants);
  Samples rate;
  Samples seconds;
  Samples p50;
  Samples p99;
  for (int repeat = 0; repeat < std::min(kRepeatsMax, report.options().repeats); ++repeat) {
    SEALFOLD_ASSIGN_OR_RETURN(const CrowdFacts facts, crowd.Once());
    rate.values.push_back(1 / facts.seconds);
    seconds.values.push_back(facts.seconds);
    p50.values.push_back(Quantile(facts.receipt_seconds, 0.5));
    p99.values.push_back(Quantile(facts.receipt_seconds, 0.99));
  }
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  Samples bound = evidence;
  for (double& value : bound.values) value *= cores / static_cast<double>(participants);
  const LineExtra extra{.where = {{"participants", participants}}};
  report.Line("round_1000_small", "rounds/s", rate,
              absl::StrCat("verifying the evidence alone for each participant, on ", cores,
                           " cores, same run"),
              bound, extra);
  report.Line("round_1000_small_p50", "s", p50,
              "the whole round, from when all submit to the signed record", seconds, extra);
  report.Line("round_1000_small_p99", "s", p99,
              "the whole round, from when all submit to the signed record", seconds, extra);
  return absl::OkStatus();
}

const Registration kRegistration("round/small",
                                 "a round of a thousand small participants, submitting at once",
                                 &BenchRoundSmall);

}  // namespace
}  // namespace sealfold::bench
