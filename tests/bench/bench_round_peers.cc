// A whole round of ten participants with 100 MB each over loopback, as real processes, beside the
// same bytes over gRPC and NumPy.
//
// Ours is timed from the start of the participants' programs to the signed record: attest, seal,
// send, open, check, fold, finish, sign. The peers' participants are started and connected before
// the clock is.
#include <stdlib.h>

#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "examples/federation/federation.h"
#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"
#include "tests/bench/peer.h"

namespace sealfold::bench {
namespace {

constexpr size_t kParticipants = 10;
constexpr uint64_t kElements = 25'000'000;  // F32: 100 MB
constexpr uint64_t kWeight = 100;
constexpr int kRepeats = 3;
constexpr auto kLook = std::chrono::milliseconds(1);

class SubmittedRounds {
 public:
  SubmittedRounds() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "sealfold-bench-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
  }
  SubmittedRounds(const SubmittedRounds&) = delete;
  SubmittedRounds& operator=(const SubmittedRounds&) = delete;
  ~SubmittedRounds() { std::filesystem::remove_all(directory_); }

  const std::string& directory() const { return directory_; }

  // Seconds of one round of a new federation.
  absl::StatusOr<double> Once() {
    const std::string folder = directory_ + "/round";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    SEALFOLD_RETURN_IF_ERROR(WriteModels());
    FederationSetup setup{
        .programs = SEALFOLD_PROGRAMS,
        .directory = folder,
        .participants = {},
        .initial_model = initial_,
        .plan_json = absl::StrCat(R"({"name": "bench", "rounds": 1, "range": 1.0, )",
                                  R"("weight_max": )", kWeight, "}")};
    for (size_t i = 0; i < kParticipants; ++i) setup.participants.push_back(absl::StrCat("p", i));
    SEALFOLD_ASSIGN_OR_RETURN(Federation federation, Federation::Prepare(setup));
    SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
    SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator());
    SEALFOLD_RETURN_IF_ERROR(federation.Launch());

    const double start = NowSeconds(Clock::kWall);
    std::vector<ChildProcess> submits;
    for (size_t i = 0; i < kParticipants; ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(ChildProcess submit, federation.Submit(i, update_, kWeight));
      submits.push_back(std::move(submit));
    }
    for (ChildProcess& submit : submits) {
      std::string out;
      std::string err;
      submit.ReadAll(out, err);
      if (submit.Wait() != kExitDone) {
        return PeerError({.code = "submit_failed", .what = "submit", .found = out + err});
      }
    }
    while (!std::filesystem::exists(federation.Path("coordinator/record-1.cbor"))) {
      std::this_thread::sleep_for(kLook);
    }
    return NowSeconds(Clock::kWall) - start;
  }

 private:
  // The model that the round starts from, of zeros, and the update that everyone sends.
  absl::Status WriteModels() {
    if (!update_.empty()) return absl::OkStatus();
    const std::vector<TensorSpec> tensors = {
        {.name = "bulk", .dtype = Dtype::kF32, .shape = {kElements}}};
    std::string file(AsText(ModelFileHeader(tensors)));
    const size_t header = file.size();
    file.resize(ModelFileSizeBytes(tensors));
    initial_ = directory_ + "/initial.safetensors";
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(initial_, file));
    auto* elements = reinterpret_cast<float*>(file.data() + header);
    for (uint64_t i = 0; i < kElements; ++i) {
      elements[i] = static_cast<float>(i * 2654435761U % 2'000'001) / 1'000'000.0F - 1.0F;
    }
    update_ = directory_ + "/update.safetensors";
    return WriteFileAtomic(update_, file);
  }

  std::string directory_;
  std::string initial_;
  std::string update_;
};

std::vector<std::string> PeerArguments() {
  return {"--participants", absl::StrCat(kParticipants), "--bytes", absl::StrCat(kElements * 4),
          "--repeats",      absl::StrCat(kRepeats)};
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

absl::Status BenchRoundPeers(const Report& report) {
  SubmittedRounds rounds;
  Samples ours;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    SEALFOLD_ASSIGN_OR_RETURN(const double seconds, rounds.Once());
    ours.values.push_back(seconds);
  }
  SEALFOLD_ASSIGN_OR_RETURN(const PeerSeconds plain, RunPeer("grpc_round.py", PeerArguments()));
  report.Line("round_vs_grpc", "rounds/s", Rates(ours),
              "the same bytes over Python's " + plain.library + ", averaged by NumPy, no TLS",
              Rates(plain.seconds));

  const std::string certificate = rounds.directory() + "/certificate.pem";
  const std::string key = rounds.directory() + "/key.pem";
  SEALFOLD_RETURN_IF_ERROR(MakeCertificate(certificate, key));
  std::vector<std::string> arguments = PeerArguments();
  arguments.insert(arguments.end(), {"--certificate", certificate, "--key", key});
  SEALFOLD_ASSIGN_OR_RETURN(const PeerSeconds tls, RunPeer("grpc_round.py", arguments));
  report.Line("round_vs_grpc_tls", "rounds/s", Rates(ours),
              "the same bytes over Python's " + tls.library + " with TLS, averaged by NumPy",
              Rates(tls.seconds));
  return absl::OkStatus();
}

const Registration kRegistration("round_peers",
                                 "a round of 10 x 100 MB beside gRPC and NumPy with the same bytes",
                                 &BenchRoundPeers);

}  // namespace
}  // namespace sealfold::bench
