// Opening, checking and folding sealed updates, as the aggregator does it: beside the cipher alone,
// beside the same fold of updates that were never sealed, and beside NumPy's average of those.
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/batch/fold_batch.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/memory/sum.h"
#include "aggregator/enclave/worker_pool.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/envelope/envelope.h"
#include "tests/bench/bench.h"
#include "tests/bench/peer.h"
#include "tests/bench/raw_evp.h"
#include "tests/bench/sealed_chunks.h"

namespace sealfold::bench {
namespace {

constexpr char kUnit[] = "GB/s";
constexpr double kGigabyte = 1e9;
constexpr uint64_t kWeight = 100;
constexpr uint64_t kStepBytes = 64u << 20;

Plan PlanOf(uint64_t elements) {
  Plan plan;
  plan.tensors = {{.name = "bulk", .dtype = Dtype::kF32, .shape = {elements}}};
  plan.range = 1.0;
  plan.weight_max = Weight(kWeight);
  return plan;
}

// Sealed F32 updates of one plan, staged as the aggregator has them when the last chunk came, and
// a sum for them.
class StagedUpdates {
 public:
  static absl::StatusOr<std::unique_ptr<StagedUpdates>> Make(size_t updates, uint64_t elements) {
    SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(elements));
    std::unique_ptr<StagedUpdates> out(new StagedUpdates(elements, std::move(sum)));
    for (size_t k = 0; k < updates; ++k) SEALFOLD_RETURN_IF_ERROR(out->AddUpdate());
    return out;
  }

  const Plan& plan() const { return plan_; }
  ByteSpan payload() const { return payload_; }
  absl::Span<int64_t> sum() { return sum_.Write(); }
  double plaintext_gigabytes() const {
    return static_cast<double>(updates_.size() * layout_.size_bytes) / kGigabyte;
  }

  // All of them, into a sum of zeros. One scratch for each worker.
  void Fold(Workers& workers, absl::Span<ColumnScratch> scratch) {
    BatchTask task{.layout = layout_,
                   .grid = grid_,
                   .chunk_bytes = plan_.chunk_bytes,
                   .updates = {},
                   .sum = sum_.Write(),
                   .sum_is_zero = true};
    for (const SealedUpdate& update : updates_) task.updates.push_back(&update);
    FoldBatch batch(std::move(task));
    while (!batch.done()) batch.Step(kStepBytes, workers, scratch);
    SEALFOLD_CHECK(batch.TakeFaults().empty());
  }

 private:
  StagedUpdates(uint64_t elements, Sum sum)
      : plan_(PlanOf(elements)),
        layout_(plan_.payload_layout()),
        grid_(*Grid::Make(plan_.range, plan_.weight_max)),
        sum_(std::move(sum)),
        payload_(layout_.size_bytes) {
    for (uint64_t i = 0; i < elements; ++i) {
      const float x = static_cast<float>(i * 2654435761U % 2'000'001) / 1'000'000.0F - 1.0F;
      std::memcpy(payload_.data() + i * sizeof(x), &x, sizeof(x));
    }
  }

  absl::Status AddUpdate() {
    EnvelopeHeader header;
    header.participant = key_.public_key();
    header.sequence = 1;
    header.payload_bytes = payload_.size();
    SEALFOLD_ASSIGN_OR_RETURN(EnvelopeSender sender,
                              EnvelopeSender::Make(plan_, header, recipient_.public_key(),
                                                   {.weight = Weight(kWeight), .model_key = {}},
                                                   key_, RandomSecret(kHpkeSeedSize)));
    SEALFOLD_ASSIGN_OR_RETURN(const OpenedHeader opened,
                              OpenEnvelopeHeader(sender.signed_header()));
    SEALFOLD_ASSIGN_OR_RETURN(
        EnvelopeReceiver receiver,
        EnvelopeReceiver::Make(plan_, opened.header, recipient_, sender.sealed_head()));
    SealedUpdate update(payload_.size(), plan_.chunk_bytes);
    update.AddHeader(std::move(receiver));
    for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
      const uint64_t size = ChunkSizeBytes(payload_.size(), plan_.chunk_bytes, i);
      Bytes sealed(size + kAeadTagSize);
      sender.SealChunk(i, payload().subspan(i * plan_.chunk_bytes, size), absl::MakeSpan(sealed));
      SEALFOLD_RETURN_IF_ERROR(update.Append(sealed));
    }
    updates_.push_back(std::move(update));
    return absl::OkStatus();
  }

  const SigningKey key_ = SigningKey::FromSeed(RandomSecret(SigningKey::kSeedSize));
  const HpkeKeyPair recipient_ = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const Plan plan_;
  const PayloadLayout layout_;
  const Grid grid_;
  Sum sum_;
  Bytes payload_;
  std::vector<SealedUpdate> updates_;
};

absl::StatusOr<std::vector<ColumnScratch>> ScratchFor(const Workers& workers, const Plan& plan) {
  std::vector<ColumnScratch> out;
  for (size_t i = 0; i < workers.count(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(ColumnScratch scratch, ColumnScratch::Make(plan.chunk_bytes));
    out.push_back(std::move(scratch));
  }
  return out;
}

constexpr size_t kUpdates = 8;
constexpr uint64_t kElements = 8u << 20;  // 32 MiB an update

absl::Status BenchOneCore(const Report& report, StagedUpdates& staged) {
  const OneCore one_core;
  constexpr size_t kOpenSslBytes = 16 << 10;
  CallingThread calling_thread;
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch,
                            ScratchFor(calling_thread, staged.plan()));
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks,
                            SealedChunks::Make(AeadId::kAes256Gcm, staged.plan().chunk_bytes));
  const Aead aead = chunks.MakeAead();
  RawEvp raw(EVP_aes_256_gcm(), kOpenSslBytes);
  // As many plain updates as there are sealed ones, each with memory of its own.
  SEALFOLD_ASSIGN_OR_RETURN(Pages plain,
                            Pages::Map(kUpdates * staged.payload().size(), Pages::Use::kSealed));
  std::vector<FoldInput> inputs;
  for (size_t k = 0; k < kUpdates; ++k) {
    const MutableByteSpan update =
        plain.Write().subspan(k * staged.payload().size(), staged.payload().size());
    std::copy(staged.payload().begin(), staged.payload().end(), update.begin());
    inputs.push_back({.elements = update, .scale = 0x1p40});
  }
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kThreadCpu,
                   {{.call = [&] { staged.Fold(calling_thread, absl::MakeSpan(scratch)); },
                     .work = staged.plaintext_gigabytes()},
                    chunks.OpenStreaming(aead, 1),
                    {.call = [&] { raw.EncryptChunk(); }, .work = kOpenSslBytes / kGigabyte},
                    {.call =
                         [&] {
                           SEALFOLD_CHECK(Fold(FoldInto::kSetPastCaches, Dtype::kF32, inputs, 1.0,
                                               staged.sum()) == 0);
                         },
                     .work = staged.plaintext_gigabytes()}});
  report.Line("open_fold_vs_openssl", kUnit, rates[0],
              "raw AES-256-GCM of OpenSSL, 16 KiB in cache, same core and run", rates[2]);
  report.Line("open_fold_1core", kUnit, rates[0],
              "raw open of the fastest AES-256-GCM, streaming as many bytes from memory", rates[1]);
  report.Line("confidential_vs_plain", kUnit, rates[0],
              "the same fold of updates that were never sealed, read from memory", rates[3]);
  return absl::OkStatus();
}

absl::Status BenchTwoCores(const Report& report, StagedUpdates& staged) {
  WorkerPool two(2);
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch, ScratchFor(two, staged.plan()));
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks,
                            SealedChunks::Make(AeadId::kAes256Gcm, staged.plan().chunk_bytes));
  const Aead aead = chunks.MakeAead();
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kWall,
                   {{.call = [&] { staged.Fold(two, absl::MakeSpan(scratch)); },
                     .work = staged.plaintext_gigabytes()},
                    chunks.OpenStreaming(aead, 2)});
  report.Line("open_fold_2core", kUnit, rates[0],
              "raw open of the fastest AES-256-GCM by two threads, streaming from memory",
              rates[1]);
  return absl::OkStatus();
}

absl::Status BenchNumpy(const Report& report) {
  constexpr size_t kParticipants = 10;
  constexpr uint64_t kParticipantElements = 25'000'000;  // 100 MB
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<StagedUpdates> staged,
                            StagedUpdates::Make(kParticipants, kParticipantElements));
  WorkerPool two(2);
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch, ScratchFor(two, staged->plan()));
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kWall,
                   {{.call = [&] { staged->Fold(two, absl::MakeSpan(scratch)); },
                     .work = staged->plaintext_gigabytes()}});
  SEALFOLD_ASSIGN_OR_RETURN(
      const PeerSeconds peer,
      RunPeer("average.py", {"--participants", absl::StrCat(kParticipants), "--bytes",
                             absl::StrCat(kParticipantElements * sizeof(float)), "--repeats",
                             absl::StrCat(report.options().repeats)}));
  Samples average;
  for (const double seconds : peer.seconds.values) {
    average.values.push_back(staged->plaintext_gigabytes() / seconds);
  }
  report.Line("vs_numpy_average", kUnit, rates[0],
              absl::StrCat("the weighted average as Flower writes it, by ", peer.library,
                           ", of plain updates in memory"),
              average);
  return absl::OkStatus();
}

absl::Status BenchOpenFold(const Report& report) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<StagedUpdates> staged,
                            StagedUpdates::Make(kUpdates, kElements));
  SEALFOLD_RETURN_IF_ERROR(BenchOneCore(report, *staged));
  SEALFOLD_RETURN_IF_ERROR(BenchTwoCores(report, *staged));
  return BenchNumpy(report);
}

const Registration kRegistration("open_fold",
                                 "opening, checking and folding beside the cipher alone and NumPy",
                                 &BenchOpenFold);

}  // namespace
}  // namespace sealfold::bench
