// Opening, checking and folding sealed updates, as the aggregator does it: beside the cipher alone,
// beside the same fold of updates that were never sealed, and beside NumPy's average of those.
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/enclave/worker_pool.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/arrived_updates.h"
#include "tests/bench/kit/peer.h"
#include "tests/bench/kit/raw_evp.h"
#include "tests/bench/kit/sealed_chunks.h"
#include "tests/bench/kit/staged_updates.h"

namespace sealfold::bench {
namespace {

constexpr char kUnit[] = "GB/s";
constexpr size_t kUpdates = 8;
constexpr Goal kOfRawOpen{.kind = Goal::Kind::kAtLeast, .ratio = 0.75};

bool HasWideAes() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
#else
  return false;
#endif
}

absl::StatusOr<SealedChunks> RawChunks(const Report& report, const StagedUpdates& staged) {
  return SealedChunks::Make(AeadId::kAes256Gcm, staged.maker.plan().chunk_bytes,
                            StreamedBytes(report));
}

// As many plain updates as there are sealed ones, each with memory of its own.
absl::StatusOr<Pages> PlainUpdates(const UpdateMaker& maker) {
  SEALFOLD_ASSIGN_OR_RETURN(Pages plain,
                            Pages::Map(kUpdates * maker.payload_bytes(), Pages::Use::kSealed));
  for (size_t k = 0; k < kUpdates; ++k) {
    MutableByteSpan to = plain.Write().subspan(k * maker.payload_bytes(), maker.payload_bytes());
    for (uint64_t i = 0; i < maker.chunk_count(); ++i) {
      const ByteSpan chunk = maker.Plaintext(i);
      std::copy(chunk.begin(), chunk.end(), to.begin());
      to.remove_prefix(chunk.size());
    }
  }
  return plain;
}

absl::Status BenchOneCore(const Report& report, StagedUpdates& staged) {
  const OneCore one_core;
  constexpr size_t kOpenSslBytes = 16 << 10;
  CallingThread calling_thread;
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch,
                            ScratchFor(calling_thread, staged.maker.plan()));
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks, RawChunks(report, staged));
  const Aead aead = chunks.MakeAead();
  RawEvp raw(EVP_aes_256_gcm(), kOpenSslBytes);
  SEALFOLD_ASSIGN_OR_RETURN(const Pages plain, PlainUpdates(staged.maker));
  std::vector<FoldInput> inputs;
  for (size_t k = 0; k < kUpdates; ++k) {
    inputs.push_back({.elements = plain.span().subspan(k * staged.maker.payload_bytes(),
                                                       staged.maker.elements() * sizeof(float)),
                      .scale = staged.maker.scale()});
  }
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kThreadCpu,
                   {staged.Fold(calling_thread, absl::MakeSpan(scratch)),
                    chunks.OpenStreaming(aead, 1),
                    {.call = [&] { raw.EncryptChunk(); }, .work = kOpenSslBytes / kGigabyte},
                    {.call =
                         [&] {
                           SEALFOLD_CHECK(Fold(FoldInto::kSetPastCaches, Dtype::kF32, inputs, 1.0,
                                               staged.sum.Write()) == 0);
                         },
                     .work = staged.gigabytes()}});
  report.Line("open_fold_vs_openssl", kUnit, rates[0],
              "raw AES-256-GCM of OpenSSL, 16 KiB in cache, same core and run", rates[2],
              {.goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = HasWideAes() ? 1.6 : 0.85}});
  report.Line("open_fold_1core", kUnit, rates[0],
              "raw open of the fastest AES-256-GCM, streaming as many bytes from memory", rates[1],
              {.goal = kOfRawOpen});
  report.Line("confidential_vs_plain", kUnit, rates[0],
              "the same fold of updates that were never sealed, read from memory", rates[3]);
  return absl::OkStatus();
}

absl::Status BenchTwoCores(const Report& report, StagedUpdates& staged) {
  WorkerPool two(2);
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch,
                            ScratchFor(two, staged.maker.plan()));
  SEALFOLD_ASSIGN_OR_RETURN(const SealedChunks chunks, RawChunks(report, staged));
  const Aead aead = chunks.MakeAead();
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kWall,
                   {staged.Fold(two, absl::MakeSpan(scratch)), chunks.OpenStreaming(aead, 2)});
  report.Line("open_fold_2core", kUnit, rates[0],
              "raw open of the fastest AES-256-GCM by two threads, streaming from memory", rates[1],
              {.goal = kOfRawOpen});
  return absl::OkStatus();
}

absl::Status BenchNumpy(const Report& report) {
  constexpr size_t kParticipants = 10;
  const uint64_t elements = report.options().tiny ? 100'000 : 25'000'000;  // 100 MB
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<StagedUpdates> staged,
                            StagedUpdates::Make(kParticipants, elements));
  WorkerPool two(2);
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch,
                            ScratchFor(two, staged->maker.plan()));
  const std::vector<Samples> rates =
      MeasureRates(report.options(), Clock::kWall, {staged->Fold(two, absl::MakeSpan(scratch))});
  SEALFOLD_ASSIGN_OR_RETURN(
      const PeerSeconds peer,
      RunPeer("average.py", {"--participants", absl::StrCat(kParticipants), "--bytes",
                             absl::StrCat(elements * sizeof(float)), "--repeats",
                             absl::StrCat(report.options().repeats)}));
  Samples average;
  for (const double seconds : peer.seconds.values) {
    average.values.push_back(staged->gigabytes() / seconds);
  }
  report.Line("vs_numpy_average", kUnit, rates[0],
              absl::StrCat("the weighted average as Flower writes it, by ", peer.library,
                           ", of plain updates in memory"),
              average,
              {.goal = Goal{.kind = Goal::Kind::kAtLeast, .ratio = HasWideAes() ? 3.0 : 1.0}});
  return absl::OkStatus();
}

absl::Status BenchOpenFold(const Report& report) {
  const uint64_t elements = report.options().tiny ? 1 << 18 : 8 << 20;  // 32 MiB an update
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<StagedUpdates> staged,
                            StagedUpdates::Make(kUpdates, elements));
  SEALFOLD_RETURN_IF_ERROR(BenchOneCore(report, *staged));
  SEALFOLD_RETURN_IF_ERROR(BenchTwoCores(report, *staged));
  return BenchNumpy(report);
}

const Registration kRegistration("fold/open",
                                 "opening, checking and folding beside the cipher alone and NumPy",
                                 &BenchOpenFold);

}  // namespace
}  // namespace sealfold::bench
