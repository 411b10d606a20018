#include "tests/bench/kit/round_work.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/finish_mean.h"
#include "aggregator/core/memory/pages.h"
#include "aggregator/core/publish/part_tags.h"
#include "participant-client/update/element_check.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/message/message.h"
#include "protocol/program/child_process.h"
#include "tests/bench/kit/process_usage.h"
#include "tests/bench/kit/staged_updates.h"

namespace sealfold::bench {
namespace {

double ThreadSeconds(absl::FunctionRef<void()> work) {
  const double start = NowSeconds(Clock::kThreadCpu);
  work();
  return NowSeconds(Clock::kThreadCpu) - start;
}

// As an upload's chunks are copied, each from a buffer that has just been read.
double CopySeconds(uint64_t chunk_bytes, uint64_t size_bytes, MutableByteSpan to) {
  const Bytes chunk(chunk_bytes, 1);
  const auto copy_all = [&] {
    for (uint64_t at = 0; at < size_bytes; at += chunk_bytes) {
      const uint64_t part = std::min(chunk_bytes, size_bytes - at);
      std::copy_n(chunk.begin(), part, to.begin() + static_cast<std::ptrdiff_t>(at));
    }
  };
  copy_all();  // the pages are there now
  return ThreadSeconds(copy_all);
}

double PublishSeconds(absl::Span<const int64_t> sum, ByteSpan base) {
  Bytes model(base.size());
  Bytes key(AeadKeySize(AeadId::kAes256Gcm));
  PartTags tags(Aead::Make(AeadId::kAes256Gcm, key));
  return ThreadSeconds([&] {
    for (uint64_t at = 0; at < base.size(); at += kPartBytesMax) {
      tags.Add(base.subspan(at, kPartBytesMax));
    }
    for (uint64_t at = 0; at < base.size(); at += kPartBytesMax) {
      SEALFOLD_CHECK(tags.Same(at / kPartBytesMax, base.subspan(at, kPartBytesMax)));
    }
    FinishMean(Dtype::kF32, sum, 1.0, 1, 1.0, base, absl::MakeSpan(model));
    (void)Sha256(base);
    (void)Sha256(model);
  });
}

absl::StatusOr<double> StartSeconds() {
  const double before = EndedChildrenCpuSeconds();
  SEALFOLD_ASSIGN_OR_RETURN(
      const ProgramResult result,
      RunToEnd({absl::StrCat(SEALFOLD_PROGRAMS, "/sealfold-participant"), "--version"}));
  SEALFOLD_CHECK(result.exit_code == 0);
  return EndedChildrenCpuSeconds() - before;
}

}  // namespace

absl::StatusOr<RoundWork> MeasureRoundWork(uint64_t participants, uint64_t staged,
                                           uint64_t elements) {
  const OneCore one_core;
  CallingThread calling_thread;
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<StagedUpdates> updates,
                            StagedUpdates::Make(staged, elements));
  const UpdateMaker& maker = updates->maker;
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<ColumnScratch> scratch,
                            ScratchFor(calling_thread, maker.plan()));
  SEALFOLD_ASSIGN_OR_RETURN(Pages plain, Pages::Map(maker.payload_bytes(), Pages::Use::kSealed));
  const auto all = static_cast<double>(participants);

  RoundWork work;
  work.staging = all * CopySeconds(maker.plan().chunk_bytes, maker.payload_bytes(), plain.Write());
  for (uint64_t i = 0; i < maker.chunk_count(); ++i) {
    const ByteSpan chunk = maker.Plaintext(i);
    std::copy(chunk.begin(), chunk.end(),
              plain.Write().begin() + static_cast<std::ptrdiff_t>(i * maker.plan().chunk_bytes));
  }
  const ByteSpan plain_elements = plain.span().first(elements * sizeof(float));
  work.check = all * ThreadSeconds([&] {
                 SEALFOLD_CHECK(!FindElementFault(Dtype::kF32, plain_elements, 1.0).has_value());
               });
  work.seal = all * ThreadSeconds([&] { maker.SealAll(); });
  const Timed fold = updates->Fold(calling_thread, absl::MakeSpan(scratch));
  work.fold = all / static_cast<double>(staged) * ThreadSeconds([&] { fold.call(); });
  work.publish = PublishSeconds(updates->sum.span(), plain_elements);
  SEALFOLD_ASSIGN_OR_RETURN(const double start, StartSeconds());
  work.starts = all * start;
  return work;
}

}  // namespace sealfold::bench
