#include "aggregator/core/cascade/partial_source.h"

#include <bit>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {

static_assert(std::endian::native == std::endian::little, "sums are sealed as they lie in memory");

uint64_t SumBytes(const RoundTerms& terms) { return terms.layout.sum_elements * sizeof(int64_t); }

absl::StatusOr<PartialSource> PartialSource::Make(const RoundTerms& terms, const RoundKeys& keys,
                                                  const VerifiedPeer& root,
                                                  const FoldedUpdates& folded,
                                                  const Secret& ephemeral_seed) {
  SEALFOLD_CHECK(folded.sum.size() * sizeof(int64_t) == SumBytes(terms));
  SEALFOLD_RETURN_IF_ERROR(CheckPeer(terms, keys, root));
  if (folded.log.empty()) {
    return Refused({.code = "partial_empty",
                    .what = "updates of the leaf",
                    .expected = "at least one",
                    .found = "none"});
  }
  const PartialHeader header{.plan = terms.plan.digest,
                             .round = terms.round,
                             .attempt = terms.attempt,
                             .leaf = keys.MakeBinding(terms).digest(),
                             .recipient = {},
                             .log_root = LogRoot(folded.log),
                             .updates = folded.log.size(),
                             .sum_bytes = SumBytes(terms),
                             .step = terms.grid.step(),
                             .enc = {}};
  const SealedHead head{.weight = Weight(folded.weight_sum),
                        .model_key = Secret::CopyOf(folded.base_key.span())};
  SEALFOLD_ASSIGN_OR_RETURN(PartialSealer sealer,
                            PartialSealer::Make(terms.contract(), header, root.hpke_key(), head,
                                                keys.record_key(), ephemeral_seed));
  return PartialSource(std::move(sealer), EncodePartialLog(folded.log), folded.sum,
                       terms.contract().chunk_bytes);
}

PartialSource::PartialSource(PartialSealer sealer, Bytes log, absl::Span<const int64_t> sum,
                             uint64_t chunk_bytes)
    : sealer_(std::move(sealer)), log_(std::move(log)), sum_(sum), chunk_bytes_(chunk_bytes) {}

Bytes PartialSource::NextChunk() {
  const ByteSpan sum(reinterpret_cast<const uint8_t*>(sum_.data()), sum_.size() * sizeof(int64_t));
  const ByteSpan plaintext = sum.subspan(next_ * chunk_bytes_, chunk_bytes_);
  Bytes sealed(plaintext.size() + kAeadTagSize);
  sealer_.SealChunk(next_++, plaintext, absl::MakeSpan(sealed));
  return sealed;
}

}  // namespace sealfold
