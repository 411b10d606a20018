// A whole round of ten participants with 100 MB each over loopback, as real processes: beside the
// same bytes over gRPC and NumPy, and beside itself without sealing and opening.
//
// Ours is timed from the start of the participants' programs to the signed record: attest, seal,
// send, open, check, fold, finish, sign. The peers' participants are started and connected before
// the clock is.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/plan/plan.h"
#include "protocol/program/child_process.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/arrived_updates.h"
#include "tests/bench/kit/kernel_hops.h"
#include "tests/bench/kit/peer.h"
#include "tests/bench/kit/round_work.h"
#include "tests/bench/kit/submitted_rounds.h"

namespace sealfold::bench {
namespace {

constexpr size_t kParticipants = 10;
constexpr uint64_t kStagedUpdates = 4;  // at a time: more only takes more new memory
constexpr int kRepeatsMax = 3;

uint64_t Elements(const Report& report) {
  return report.options().tiny ? 100'000 : 25'000'000;  // F32: 100 MB
}

uint64_t StagedBytes(const Report& report) {
  Plan plan;
  plan.tensors = {{.name = "bulk", .dtype = Dtype::kF32, .shape = {Elements(report)}}};
  return kStagedUpdates * SealedUpdateBytes(plan);
}

int Repeats(const Report& report) { return std::min(kRepeatsMax, report.options().repeats); }

std::vector<std::string> PeerArguments(const Report& report) {
  return {"--participants", absl::StrCat(kParticipants),
          "--bytes",        absl::StrCat(Elements(report) * sizeof(float)),
          "--repeats",      absl::StrCat(Repeats(report))};
}

// A certificate for localhost, made for this run: PEM files.
absl::Status MakeCertificate(const std::string& certificate, const std::string& key) {
  SEALFOLD_ASSIGN_OR_RETURN(
      const ProgramResult result,
      RunToEnd({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-days", "1", "-keyout", key, "-out", certificate}));
  if (result.exit_code == 0) return absl::OkStatus();
  return PeerError({.code = "peer_failed", .what = "openssl req", .found = result.err});
}

// Rates, so that a ratio says how many times as fast ours is.
Samples Rates(const Samples& seconds) {
  Samples out;
  for (const double s : seconds.values) out.values.push_back(1 / s);
  return out;
}

absl::Status LineVsGrpc(const Report& report, const SubmittedRounds& rounds, const Samples& ours) {
  SEALFOLD_ASSIGN_OR_RETURN(const PeerSeconds plain,
                            RunPeer("grpc_round.py", PeerArguments(report)));
  report.Line("round_vs_grpc", "rounds/s", Rates(ours),
              "the same bytes over Python's " + plain.library + ", averaged by NumPy, no TLS",
              Rates(plain.seconds), {.goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = 5}});

  const std::string certificate = rounds.Path("certificate.pem");
  const std::string key = rounds.Path("key.pem");
  SEALFOLD_RETURN_IF_ERROR(MakeCertificate(certificate, key));
  std::vector<std::string> arguments = PeerArguments(report);
  arguments.insert(arguments.end(), {"--certificate", certificate, "--key", key});
  SEALFOLD_ASSIGN_OR_RETURN(const PeerSeconds tls, RunPeer("grpc_round.py", arguments));
  report.Line("round_vs_grpc_tls", "rounds/s", Rates(ours),
              "the same bytes over Python's " + tls.library + " with TLS, averaged by NumPy",
              Rates(tls.seconds), {.goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = 8}});
  return absl::OkStatus();
}

// Processor seconds of sealing and of opening all updates, here.
Samples AeadSeconds(const Report& report) {
  const OneCore one_core;
  const UpdateMaker maker(Elements(report));
  const absl::StatusOr<ArrivedUpdate> arrived = maker.Arrive();
  SEALFOLD_CHECK(arrived.ok());
  Bytes chunk(maker.plan().chunk_bytes);
  const std::vector<Samples> rates = MeasureRates(
      report.options(), Clock::kThreadCpu,
      {{.call = [&] { maker.SealAll(); }}, {.call = [&] {
         for (uint64_t i = 0; i < maker.chunk_count(); ++i) {
           const MutableByteSpan out = absl::MakeSpan(chunk).first(maker.Plaintext(i).size());
           SEALFOLD_CHECK(arrived->update.Open(i, out).ok());
         }
       }}});
  Samples seconds;
  for (size_t i = 0; i < rates[0].values.size(); ++i) {
    seconds.values.push_back(kParticipants * (1 / rates[0].values[i] + 1 / rates[1].values[i]));
  }
  return seconds;
}

// There is no unsealed way through the programs to measure, so what they would take without is
// computed: their processor time less that of sealing and of opening as many bytes here.
void LineVsPlain(const Report& report, const Samples& cpu_seconds, const Samples& aead_seconds) {
  Samples plain;
  for (const double seconds : cpu_seconds.values) {
    plain.values.push_back(seconds - aead_seconds.Median());
  }
  report.Line("confidential_vs_plain", "s of processor time", cpu_seconds,
              "computed: a whole round less what sealing and opening as many bytes took, same run",
              plain,
              {.where = {{"participants", kParticipants}},
               .goal = Goal{.kind = Goal::Kind::kAtMost, .ratio = 1.1}});
}

// What a round is made of, each piece by itself and with nothing around it. What is left is what
// it takes to put them together: threads that wake one another, small messages, verification of
// evidence, caches that each piece finds cold.
absl::Status LineVsBound(const Report& report, const Samples& cpu_seconds) {
  const uint64_t update_bytes = Elements(report) * sizeof(float);
  Samples bound;
  for (int repeat = 0; repeat < Repeats(report); ++repeat) {
    SEALFOLD_ASSIGN_OR_RETURN(const RoundWork work,
                              MeasureRoundWork(kParticipants, kStagedUpdates, Elements(report)));
    bound.values.push_back(
        TwoHopsCpuSeconds(kParticipants, update_bytes) +
        NewMemoryCpuSeconds(kStagedUpdates * update_bytes + Elements(report) * sizeof(int64_t)) +
        work.Sum());
  }
  report.Line(
      "round_vs_bound", "s of processor time", cpu_seconds,
      "computed: the kernel's part of moving as many bytes over two hops, new memory for "
      "what waits and the sum, and what is done with every byte, each piece alone, same run",
      bound,
      {.where = {{"participants", kParticipants}},
       .goal = Goal{.kind = Goal::Kind::kAtMost, .ratio = 1.25}});
  return absl::OkStatus();
}

absl::Status BenchRoundPeers(const Report& report) {
  // Once, so that neither side pays for memory that this machine never used before.
  (void)NewMemoryCpuSeconds(2 * kParticipants * Elements(report) * sizeof(float));
  SubmittedRounds rounds({.participants = kParticipants,
                          .elements = Elements(report),
                          .staged_bytes = StagedBytes(report)});
  Samples seconds;
  Samples cpu_seconds;
  for (int repeat = 0; repeat < Repeats(report); ++repeat) {
    SEALFOLD_ASSIGN_OR_RETURN(const RoundFacts facts, rounds.Once());
    seconds.values.push_back(facts.seconds);
    cpu_seconds.values.push_back(facts.cpu_seconds);
  }
  const Samples aead_seconds = AeadSeconds(report);
  LineVsPlain(report, cpu_seconds, aead_seconds);
  SEALFOLD_RETURN_IF_ERROR(LineVsBound(report, cpu_seconds));
  return LineVsGrpc(report, rounds, seconds);
}

const Registration kRegistration("fold/round",
                                 "a round of 10 x 100 MB beside gRPC and NumPy with the same bytes",
                                 &BenchRoundPeers);

}  // namespace
}  // namespace sealfold::bench
