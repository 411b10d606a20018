// Any bytes as a leaf's partial sum. A fuzzer can neither sign nor seal, so that the checks behind
// are reached by signing the input as a header and as a log, and by sealing it as the sum.
//
// The input is: what it stands for (1 byte), then its bytes.
#include <algorithm>
#include <cstring>

#include "aggregator/core/cascade/root_sum.h"
#include "aggregator/core/testing/sample_run.h"
#include "aggregator/core/testing/unverified_peer.h"
#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"

namespace sealfold {
namespace {

using testing::SampleRun;
using testing::SeedOf;

// The same for every input, and slow to make.
struct Fixed {
  SampleRun run = SampleRun::Make();
  RoundTerms terms = *RoundTerms::Open(run.FirstStart());
  RoundKeys root = RoundKeys::Derive(SeedOf("root"), terms);
  RoundKeys leaf = RoundKeys::Derive(SeedOf("leaf"), terms);
  std::vector<LogEntry> log = {{.plan = terms.plan.digest,
                                .round = terms.round,
                                .attempt = terms.attempt,
                                .participant = run.plan.participants[1].key,
                                .index = 0,
                                .header = {},
                                .tags = {}}};
  Secret no_key;

  static VerifiedPeer PeerOf(const RoundTerms& terms, const RoundKeys& keys) {
    return UnverifiedPeer::Of(terms, keys).AsIfVerified();
  }
  PartialSource Send(absl::Span<const int64_t> sum) const {
    return *PartialSource::Make(terms, leaf, PeerOf(terms, root),
                                {.sum = sum, .log = log, .weight_sum = 10, .base_key = no_key},
                                SeedOf("partial"));
  }
  absl::StatusOr<PartialIntake> Receive(ByteSpan header, ByteSpan head, ByteSpan entries) const {
    return PartialIntake::Make(terms, root, PeerOf(terms, leaf), header, head, entries);
  }
};
const Fixed& Always() {
  static const Fixed fixed;
  return fixed;
}

void AddSum(ByteSpan data) {
  const Fixed& fixed = Always();
  std::vector<int64_t> sum(SumBytes(fixed.terms) / sizeof(int64_t));
  std::memcpy(sum.data(), data.data(), std::min<size_t>(data.size(), SumBytes(fixed.terms)));
  PartialSource source = fixed.Send(sum);
  PartialIntake partial =
      *fixed.Receive(source.signed_header(), source.sealed_head(), source.log());
  RootSum total = *RootSum::Make(fixed.terms);
  for (uint64_t i = 0; i < source.chunk_count(); ++i) {
    if (!partial.TakeChunk(i, source.NextChunk()).ok()) return;
  }
  SEALFOLD_CHECK(total.Add(partial).ok() && total.sum() == absl::MakeConstSpan(sum));
  for (const int64_t s : sum) SEALFOLD_CHECK(s >= -(int64_t{1} << 47) && s <= int64_t{1} << 47);
}

void Run(ByteSpan data) {
  if (data.empty()) return;
  const uint8_t kind = data[0] % 4;
  data.remove_prefix(1);
  const Fixed& fixed = Always();
  static const std::vector<int64_t> zeros(SumBytes(fixed.terms) / sizeof(int64_t));
  if (kind == 0) return AddSum(data);
  const PartialSource source = fixed.Send(zeros);
  if (kind == 1) {
    fixed.Receive(data, source.sealed_head(), source.log()).status().IgnoreError();
    const Bytes header = SignSign1(fixed.leaf.record_key(), "sealfold partial 1", data);
    fixed.Receive(header, source.sealed_head(), source.log()).status().IgnoreError();
  } else if (kind == 2) {
    SEALFOLD_CHECK(data == ByteSpan(source.sealed_head()) ||
                   !fixed.Receive(source.signed_header(), data, source.log()).ok());
  } else {
    SEALFOLD_CHECK(data == ByteSpan(source.log()) ||
                   !fixed.Receive(source.signed_header(), source.sealed_head(), data).ok());
  }
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sealfold::Run(sealfold::ByteSpan(data, size));
  return 0;
}
