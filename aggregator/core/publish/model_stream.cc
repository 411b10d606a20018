#include "aggregator/core/publish/model_stream.h"

#include <algorithm>
#include <limits>

#include "aggregator/core/fold/finish_mean.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kWorkBytes = 256u << 10;  // what one core's cache holds
constexpr size_t kElementBytesMax = 4;

}  // namespace

ModelStream::ModelStream(const RoundTerms& terms, absl::Span<const int64_t> sum,
                         uint64_t weight_sum)
    : terms_(&terms),
      sum_(sum),
      weight_sum_(weight_sum),
      header_(ModelFileHeader(terms.contract().tensors)),
      work_(kWorkBytes + kElementBytesMax) {
  SEALFOLD_CHECK(weight_sum > 0 && sum.size() == terms.layout.sum_elements);
}

absl::Status ModelStream::Feed(ByteSpan base, absl::FunctionRef<void(ByteSpan model)> use) {
  if (header_done_ < header_.size()) {
    const ByteSpan head = base.first(std::min<size_t>(base.size(), header_.size() - header_done_));
    if (head != ByteSpan(header_).subspan(header_done_, head.size())) {
      return Refused({.code = "base_not_canonical",
                      .what = "header of the base model's file",
                      .expected = "the plan's tensors in canonical form",
                      .found = "another header",
                      .advice = "plan a run from a model file in canonical form"});
    }
    header_done_ += head.size();
    base.remove_prefix(head.size());
    use(head);
  }
  while (!base.empty()) {
    const ByteSpan some = base.first(std::min(base.size(), kWorkBytes));
    SEALFOLD_RETURN_IF_ERROR(FeedSome(some, use));
    base.remove_prefix(some.size());
  }
  return absl::OkStatus();
}

absl::Status ModelStream::FeedSome(ByteSpan base, absl::FunctionRef<void(ByteSpan model)> use) {
  const MutableByteSpan work = work_.mutable_span().first(carry_bytes_ + base.size());
  std::copy(base.begin(), base.end(), work.begin() + carry_bytes_);
  size_t at = 0;
  while (!complete()) {
    const PayloadLayout::Part& part = terms_->layout.parts[part_];
    const size_t size = DtypeSizeBytes(part.dtype);
    const uint64_t count = std::min<uint64_t>((work.size() - at) / size, part.elements - element_);
    if (count == 0) break;
    const MutableByteSpan elements = work.subspan(at, count * size);
    FinishMean(part.dtype, sum_.subspan(part.element_first + element_, count), terms_->grid.step(),
               weight_sum_, terms_->contract().learning_rate, elements, elements);
    if (!AllInRange(part.dtype, elements, std::numeric_limits<double>::max())) {
      return Refused({.code = "model_overflow",
                      .what = "elements of the new model",
                      .expected = "finite numbers",
                      .found = "an element that is not",
                      .advice = "plan a smaller range or learning rate"});
    }
    at += elements.size();
    element_ += count;
    if (element_ == part.elements) {
      ++part_;
      element_ = 0;
    }
  }
  carry_bytes_ = work.size() - at;
  SEALFOLD_CHECK(carry_bytes_ < kElementBytesMax && !(complete() && carry_bytes_ > 0));
  if (at > 0) use(work.first(at));
  std::copy(work.begin() + at, work.end(), work.begin());
  return absl::OkStatus();
}

}  // namespace sealfold
