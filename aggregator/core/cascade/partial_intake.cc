#include "aggregator/core/cascade/partial_intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/cascade/partial_source.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

constexpr int kTermBits = 47;  // |term| <= 2^47: of one update in one number of the sum

absl::Status Wrong(absl::string_view code, absl::string_view what, std::string expected,
                   std::string found) {
  return Refused({.code = std::string(code),
                  .what = absl::StrCat(what, " of the partial sum"),
                  .expected = std::move(expected),
                  .found = std::move(found)});
}

absl::Status Equal(absl::string_view code, absl::string_view what, const std::string& expected,
                   const std::string& found) {
  return expected == found ? absl::OkStatus() : Wrong(code, what, expected, found);
}

absl::Status CheckHeader(const RoundTerms& terms, const RoundKeys& keys, const VerifiedPeer& leaf,
                         const OpenedPartialHeader& opened) {
  const PartialHeader& header = opened.header;
  SEALFOLD_RETURN_IF_ERROR(
      Equal("partial_signer", "signer", leaf.binding().record_key.hex(), opened.signer.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("wrong_plan", "plan", terms.plan.digest.hex(), header.plan.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("wrong_round", "round", absl::StrCat(terms.round.value()),
                                 absl::StrCat(header.round.value())));
  SEALFOLD_RETURN_IF_ERROR(Equal("wrong_attempt", "attempt", absl::StrCat(terms.attempt.value()),
                                 absl::StrCat(header.attempt.value())));
  SEALFOLD_RETURN_IF_ERROR(
      Equal("partial_leaf", "leaf", leaf.binding().digest().hex(), header.leaf.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("wrong_recipient_key", "recipient",
                                 Sha256(keys.hpke().public_key().span()).hex(),
                                 header.recipient.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("partial_sum_bytes", "size", absl::StrCat(SumBytes(terms)),
                                 absl::StrCat(header.sum_bytes)));
  if (header.step == terms.grid.step()) return absl::OkStatus();
  return Wrong("partial_step", "step", absl::StrCat(terms.grid.step()), absl::StrCat(header.step));
}

absl::Status CheckLog(const RoundTerms& terms, const PartialHeader& header,
                      absl::Span<const LogEntry> log) {
  if (header.updates != log.size() || log.empty()) {
    return Wrong("partial_updates", "number of updates",
                 absl::StrCat(std::max<size_t>(1, log.size()), ", as in its log"),
                 absl::StrCat(header.updates));
  }
  SEALFOLD_RETURN_IF_ERROR(
      Equal("partial_log_root", "log's root", header.log_root.hex(), LogRoot(log).hex()));
  return CheckLogEntries(log, {.plan = terms.contract(),
                               .plan_digest = terms.plan.digest,
                               .round = terms.round,
                               .attempt = terms.attempt});
}

absl::Status CheckHeadOf(const RoundTerms& terms, uint64_t updates, const SealedHead& head) {
  const uint64_t weight_max = updates * terms.grid.weight_max().value();
  // The weight found stays unsaid: it is sealed.
  if (head.weight.value() < updates || head.weight.value() > weight_max) {
    return Wrong("partial_weight", "weight", absl::StrCat(updates, " to ", weight_max), "another");
  }
  if (head.model_key.empty()) return absl::OkStatus();
  if (terms.base_key_commitment.has_value() &&
      ModelKeyCommitment(head.model_key.span()) == *terms.base_key_commitment) {
    return absl::OkStatus();
  }
  return Wrong("model_key_wrong", "base model's key",
               terms.base_key_commitment.has_value() ? terms.base_key_commitment->hex() : "none",
               "another");
}

}  // namespace

absl::StatusOr<PartialIntake> PartialIntake::Make(const RoundTerms& terms, const RoundKeys& keys,
                                                  const VerifiedPeer& leaf, ByteSpan signed_header,
                                                  ByteSpan sealed_head, ByteSpan log) {
  SEALFOLD_RETURN_IF_ERROR(CheckPeer(terms, keys, leaf));
  SEALFOLD_ASSIGN_OR_RETURN(const OpenedPartialHeader opened, OpenPartialHeader(signed_header));
  SEALFOLD_RETURN_IF_ERROR(CheckHeader(terms, keys, leaf, opened));
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<LogEntry> entries, DecodePartialLog(log));
  SEALFOLD_RETURN_IF_ERROR(CheckLog(terms, opened.header, entries));
  SEALFOLD_ASSIGN_OR_RETURN(
      PartialOpener opener,
      PartialOpener::Make(terms.contract(), opened.header, keys.hpke(), sealed_head));
  SEALFOLD_RETURN_IF_ERROR(CheckHeadOf(terms, entries.size(), opener.head()));
  SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(terms.layout.sum_elements));
  return PartialIntake(terms, std::move(opener), std::move(entries), std::move(sum));
}

PartialIntake::PartialIntake(const RoundTerms& terms, PartialOpener opener,
                             std::vector<LogEntry> log, Sum sum)
    : terms_(&terms), opener_(std::move(opener)), log_(std::move(log)), sum_(std::move(sum)) {}

absl::Status PartialIntake::TakeChunk(uint64_t index, ByteSpan sealed) {
  SEALFOLD_CHECK(!complete());
  if (refused_ || index != next_) {
    return Wrong("chunk_out_of_order", "chunk",
                 refused_ ? "none: it was refused" : absl::StrCat(next_), absl::StrCat(index));
  }
  const uint64_t chunk_bytes = terms_->contract().chunk_bytes;
  const uint64_t size_bytes = ChunkSizeBytes(SumBytes(*terms_), chunk_bytes, index);
  const absl::Span<int64_t> sums =
      sum_.Write().subspan(index * chunk_bytes / sizeof(int64_t), size_bytes / sizeof(int64_t));
  SEALFOLD_RETURN_IF_ERROR(opener_.OpenChunk(
      index, sealed, MutableByteSpan(reinterpret_cast<uint8_t*>(sums.data()), size_bytes)));
  const uint64_t first = index * chunk_bytes / sizeof(int64_t);
  absl::Status status = CheckSums(first, first + sums.size());
  if (!status.ok()) {
    refused_ = true;
    sum_.Release();
    return status;
  }
  ++next_;
  return absl::OkStatus();
}

// Numbers of the sum from `first` to `end`: what so many updates can add up to, and zero between
// the tensors.
absl::Status PartialIntake::CheckSums(uint64_t first, uint64_t end) const {
  const absl::Span<const int64_t> sums = sum_.span();
  const int64_t bound = static_cast<int64_t>(log_.size()) << kTermBits;
  int64_t least = 0;
  int64_t greatest = 0;
  for (uint64_t i = first; i < end; ++i) {
    least = std::min(least, sums[i]);
    greatest = std::max(greatest, sums[i]);
  }
  if (least < -bound || greatest > bound) {
    return Wrong("partial_out_of_range", "numbers",
                 absl::StrCat("at most ", log_.size(), " * 2^", kTermBits, " in size"),
                 "one that is greater");
  }
  uint64_t tensor_end = 0;
  for (const PayloadLayout::Part& part : terms_->layout.parts) {
    for (uint64_t i = std::max(first, tensor_end); i < std::min(end, part.element_first); ++i) {
      if (sums[i] != 0)
        return Wrong("padding_not_zero", "numbers between tensors", "zero", "others");
    }
    tensor_end = part.element_first + part.elements;
  }
  return absl::OkStatus();
}

absl::Span<const int64_t> PartialIntake::sum() const {
  SEALFOLD_CHECK(complete());
  return sum_.span();
}

}  // namespace sealfold
