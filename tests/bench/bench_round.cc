// One round of three participants with 100 MB each, over loopback and as real processes, beside the
// parts it is made of: training, evidence, sealing, transfer, opening, folding, each measured on
// its own on the same bytes.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <zmq.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/fold.h"
#include "attest/attester.h"
#include "attest/measure/program_file.h"
#include "attest/verifier.h"
#include "examples/federation/federation.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kParticipants = 3;
constexpr uint64_t kWeight = 100;
constexpr int kRepeatsMax = 3;
constexpr size_t kPemBytesMax = 1 << 16;
const char* const kNames[] = {"one", "two", "three"};

// Seconds that `call` takes.
template <class F>
double Seconds(const F& call) {
  const double start = NowSeconds(Clock::kWall);
  call();
  return NowSeconds(Clock::kWall) - start;
}

class RoundBench {
 public:
  explicit RoundBench(const Report& report)
      : elements_(report.options().tiny ? 100'000 : 25'000'000),  // F32: 100 MB
        repeats_(std::min(kRepeatsMax, report.options().repeats)) {}

  absl::Status Run(const Report& report) {
    MakePlan();
    for (int repeat = 0; repeat < repeats_; ++repeat) SEALFOLD_RETURN_IF_ERROR(Repeat(repeat));
    const std::string against =
        "the whole round, 3 participants x 100 MB, real processes, same run";
    for (const auto& [name, samples] :
         {std::pair("round_train", &train_), std::pair("round_attest", &attest_),
          std::pair("round_seal", &seal_), std::pair("round_transfer", &transfer_),
          std::pair("round_open", &open_), std::pair("round_fold", &fold_)}) {
      report.Line(name, "s", *samples, against, whole_);
    }
    Samples parts;
    for (size_t i = 0; i < whole_.values.size(); ++i) {
      parts.values.push_back(train_.values[i] + attest_.values[i] + seal_.values[i] +
                             transfer_.values[i] + open_.values[i] + fold_.values[i]);
    }
    report.Line("round_whole", "s", whole_, "the sum of its parts, one after the other on one core",
                parts);
    return absl::OkStatus();
  }

 private:
  void MakePlan() {
    tensors_ = {{.name = "bulk", .dtype = Dtype::kF32, .shape = {elements_}}};
    plan_.tensors = tensors_;
    plan_.range = 1.0;
    plan_.weight_max = Weight(kWeight);
    payload_.resize(PayloadLayout::Of(tensors_).size_bytes);
    auto* x = reinterpret_cast<float*>(payload_.data());
    for (uint64_t i = 0; i < elements_; ++i) {
      x[i] = static_cast<float>(i * 2654435761U % 2'000'001) / 1'000'000.0F - 1.0F;
    }
  }

  absl::Status Repeat(int repeat) {
    const std::string folder = directory_.Path(absl::StrCat(repeat));
    std::filesystem::create_directory(folder);
    const std::string initial = folder + "/initial.safetensors";
    const Bytes header = ModelFileHeader(tensors_);
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(initial, AsText(header)));
    std::filesystem::resize_file(initial, ModelFileSizeBytes(tensors_));
    SEALFOLD_ASSIGN_OR_RETURN(
        Federation federation,
        Federation::Prepare(
            {.programs = SEALFOLD_PROGRAMS,
             .directory = folder,
             .participants = {kNames, kNames + kParticipants},
             .initial_model = initial,
             .plan_json = absl::StrCat(R"({"name": "bench", "rounds": 1, "range": 1.0, )",
                                       R"("weight_max": )", kWeight, "}")}));
    SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
    SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator());
    absl::Status status;
    whole_.values.push_back(Seconds([&] { status = WholeRound(federation); }));
    SEALFOLD_RETURN_IF_ERROR(status);

    train_.values.push_back(Seconds([&] { status = Train(folder, initial); }));
    SEALFOLD_RETURN_IF_ERROR(status);
    attest_.values.push_back(Seconds([&] { status = AttestAndVerify(federation); }));
    SEALFOLD_RETURN_IF_ERROR(status);
    std::filesystem::remove_all(folder);
    return SealOpenFold();
  }

  static absl::Status WholeRound(Federation& federation) {
    SEALFOLD_RETURN_IF_ERROR(federation.Launch());
    std::vector<ChildProcess> joined;
    for (size_t i = 0; i < kParticipants; ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(
          ChildProcess process,
          federation.Join(i, absl::StrCat(SEALFOLD_KNOWN_TRAINER, " ", i), /*json=*/true));
      joined.push_back(std::move(process));
    }
    for (ChildProcess& process : joined) {
      std::string out;
      std::string err;
      process.ReadAll(out, err);
      if (process.Wait() != kExitDone)
        return PeerError({.code = "join_failed", .what = "join", .found = out});
    }
    return absl::OkStatus();
  }

  static absl::Status Train(const std::string& folder, const std::string& initial) {
    for (uint64_t i = 0; i < kParticipants; ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(const ProgramResult result,
                                RunToEnd({SEALFOLD_KNOWN_TRAINER, absl::StrCat(i)},
                                         {.environment = {{"SEALFOLD_MODEL", initial},
                                                          {"SEALFOLD_UPDATE", folder + "/update"},
                                                          {"SEALFOLD_ROUND", "1"}}}));
      if (result.exit_code != 0)
        return PeerError({.code = "train_failed", .what = "trainer", .found = result.err});
    }
    return absl::OkStatus();
  }

  static absl::Status AttestAndVerify(const Federation& federation) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Attester> attester,
                              ConnectSoftwareAttester(federation.Path("platform/nsm.sock")));
    SEALFOLD_ASSIGN_OR_RETURN(const std::string root,
                              ReadFile(federation.Path("platform/root.pem"), kPemBytesMax));
    SEALFOLD_ASSIGN_OR_RETURN(const Measurement own, MeasureProgram("/proc/self/exe"));
    const EvidencePolicy policy{
        .platform = "sealfold-softnsm",
        .root_pem = root,
        .reference_values = {{.name = "bench", .registers = {{0, ToBytes(own.span())}}}}};
    for (uint64_t i = 0; i < kParticipants; ++i) {
      const SessionNonce nonce = RandomNonce();
      SEALFOLD_ASSIGN_OR_RETURN(const Bytes evidence, attester->Attest(nonce.span(), {}, {}));
      SEALFOLD_RETURN_IF_ERROR(
          VerifyEvidence(evidence, policy,
                         {.nonce = ToBytes(nonce.span()), .check_freshness = false})
              .status());
    }
    return absl::OkStatus();
  }

  absl::Status SealOpenFold() {
    const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
    const SigningKey key = SigningKey::FromSeed(RandomSecret(SigningKey::kSeedSize));
    const Grid grid = *Grid::Make(plan_.range, plan_.weight_max);
    std::vector<int64_t> sum(elements_);
    double seal = 0;
    double transfer = 0;
    double open = 0;
    double fold = 0;
    for (uint64_t i = 0; i < kParticipants; ++i) {
      EnvelopeHeader header;
      header.participant = key.public_key();
      header.sequence = 1;
      header.payload_bytes = payload_.size();
      SEALFOLD_ASSIGN_OR_RETURN(EnvelopeSender sender,
                                EnvelopeSender::Make(plan_, header, recipient.public_key(),
                                                     {.weight = Weight(kWeight), .model_key = {}},
                                                     key, RandomSecret(kHpkeSeedSize)));
      SEALFOLD_ASSIGN_OR_RETURN(const OpenedHeader opened,
                                OpenEnvelopeHeader(sender.signed_header()));
      SEALFOLD_ASSIGN_OR_RETURN(
          const EnvelopeReceiver receiver,
          EnvelopeReceiver::Make(plan_, opened.header, recipient, sender.sealed_head()));
      std::vector<Bytes> sealed(sender.chunk_count());
      seal += Seconds([&] {
        for (uint64_t c = 0; c < sealed.size(); ++c) {
          sealed[c].resize(ChunkOf(c).size() + kAeadTagSize);
          sender.SealChunk(c, ChunkOf(c), absl::MakeSpan(sealed[c]));
        }
      });
      transfer += Seconds([&] { Transfer(sealed); });
      Bytes staged(payload_.size());
      open += Seconds([&] {
        for (uint64_t c = 0; c < sealed.size(); ++c) {
          const MutableByteSpan out =
              absl::MakeSpan(staged).subspan(c * plan_.chunk_bytes, ChunkOf(c).size());
          SEALFOLD_CHECK(receiver.OpenChunk(c, sealed[c], out).ok());
        }
      });
      fold += Seconds([&] {
        const FoldInput input{.elements = staged, .scale = grid.Scale(Weight(kWeight))};
        SEALFOLD_CHECK(
            Fold(FoldInto::kAdd, Dtype::kF32, {&input, 1}, plan_.range, absl::MakeSpan(sum)) == 0);
      });
    }
    seal_.values.push_back(seal);
    transfer_.values.push_back(transfer);
    open_.values.push_back(open);
    fold_.values.push_back(fold);
    return absl::OkStatus();
  }

  ByteSpan ChunkOf(uint64_t c) const {
    return ByteSpan(payload_).subspan(c * plan_.chunk_bytes,
                                      ChunkSizeBytes(payload_.size(), plan_.chunk_bytes, c));
  }

  // The same messages from one ZeroMQ socket to another over TCP on loopback.
  static void Transfer(const std::vector<Bytes>& messages) {
    zmq::context_t context;
    zmq::socket_t from(context, zmq::socket_type::push);
    zmq::socket_t to(context, zmq::socket_type::pull);
    to.bind("tcp://127.0.0.1:*");
    from.connect(to.get(zmq::sockopt::last_endpoint));
    std::thread sending([&] {
      for (const Bytes& m : messages)
        from.send(zmq::buffer(m.data(), m.size()), zmq::send_flags::none);
    });
    zmq::message_t message;
    for (size_t i = 0; i < messages.size(); ++i) SEALFOLD_CHECK(to.recv(message).has_value());
    sending.join();
  }

  const uint64_t elements_;
  const int repeats_;
  TempDir directory_;
  std::vector<TensorSpec> tensors_;
  Plan plan_;
  Bytes payload_;
  Samples train_, attest_, seal_, transfer_, open_, fold_, whole_;
};

absl::Status BenchRound(const Report& report) { return RoundBench(report).Run(report); }

const Registration kRegistration("round/parts",
                                 "a round of 3 x 100 MB as real processes, beside its parts",
                                 &BenchRound);

}  // namespace
}  // namespace sealfold::bench
