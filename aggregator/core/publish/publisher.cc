#include "aggregator/core/publish/publisher.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/message/message.h"

namespace sealfold {
namespace {

constexpr uint64_t kAskedAheadBytes = 4 * kPartBytesMax;

absl::Status BaseWrong(const std::string& what, const std::string& expected,
                       const std::string& found) {
  return Refused({.code = "base_wrong",
                  .what = what,
                  .expected = expected,
                  .found = found,
                  .advice =
                      "restore the model file that the round started from, then close the round "
                      "again"});
}

}  // namespace

Publisher::Publisher(const RoundTerms& terms, const RoundKeys& keys, const Secret& base_key,
                     absl::Span<const int64_t> sum, uint64_t weight_sum)
    : terms_(terms),
      keys_(keys),
      base_key_(base_key),
      sum_(sum),
      weight_sum_(weight_sum),
      base_bytes_(BaseFileSizeBytes(terms)),
      parts_(Aead::Make(SuiteAead(terms.contract().suite), keys.part_key().span())) {}

void Publisher::Start(Actions& actions) {
  model_.reset();
  writing_.reset();
  if (!checked_) parts_.Clear();
  reading_.emplace(Reading{.reader = BaseReader(terms_, base_key_)});
  if (checked_) {
    writing_.emplace(Writing{.stream = ModelStream(terms_, sum_, weight_sum_),
                             .writer = ModelWriter(terms_, keys_)});
  }
  wanted_ = 0;
  given_up_bytes_ = std::max(given_up_bytes_, std::exchange(asked_bytes_, 0));
  Ask(actions);
}

void Publisher::Ask(Actions& actions) {
  const uint64_t end = std::min(base_bytes_, *wanted_ + kAskedAheadBytes);
  while (asked_bytes_ < end) {
    const uint64_t length = std::min<uint64_t>(kPartBytesMax, base_bytes_ - asked_bytes_);
    SendHost(actions, WantBase{.offset = asked_bytes_, .length = length});
    asked_bytes_ += length;
  }
}

absl::Status Publisher::OnBase(uint64_t offset, ByteSpan bytes, Actions& actions) {
  if (wanted_ != offset) {
    if (offset < given_up_bytes_) return absl::OkStatus();
    return Refused({.code = "base_unexpected",
                    .what = "part of the base model",
                    .expected = wanted_.has_value() ? absl::StrCat("offset ", *wanted_) : "none",
                    .found = absl::StrCat("offset ", offset)});
  }
  absl::Status taken = Take(offset, bytes, actions);
  if (!taken.ok()) {
    wanted_.reset();
    given_up_bytes_ = std::max(given_up_bytes_, asked_bytes_);
  }
  return taken;
}

absl::Status Publisher::Take(uint64_t offset, ByteSpan bytes, Actions& actions) {
  const uint64_t length = std::min<uint64_t>(kPartBytesMax, base_bytes_ - offset);
  if (bytes.size() != length) {
    return BaseWrong(absl::StrCat("part at ", offset, " of the base model's file"),
                     absl::StrCat(length, " bytes of ", base_bytes_),
                     absl::StrCat(bytes.size(), " bytes"));
  }
  SEALFOLD_RETURN_IF_ERROR(checked_ ? Use(offset, bytes, actions) : Check(bytes));
  wanted_ = offset + length;
  if (*wanted_ < base_bytes_) {
    Ask(actions);
    return absl::OkStatus();
  }
  wanted_.reset();
  if (!checked_) {
    const Digest digest = reading_->hash.Peek();
    if (digest != terms_.base_model) {
      return BaseWrong("SHA-256 of the base model", terms_.base_model.hex(), digest.hex());
    }
    checked_ = true;
    Start(actions);
    return absl::OkStatus();
  }
  SEALFOLD_CHECK(writing_->stream.complete());
  writing_->writer.Finish(actions);
  model_ = writing_->writer.digest();
  reading_.reset();
  writing_.reset();
  return absl::OkStatus();
}

absl::Status Publisher::Check(ByteSpan part) {
  parts_.Add(part);
  absl::Status opened = reading_->reader.Feed(part, [this](ByteSpan plain) {
    reading_->hash.Update(plain);
    return absl::OkStatus();
  });
  if (opened.ok()) return opened;
  return BaseWrong("seal of the base model's file", "the previous round's sealed model",
                   Explain(opened).found);
}

absl::Status Publisher::Use(uint64_t offset, ByteSpan part, Actions& actions) {
  if (!parts_.Same(offset / kPartBytesMax, part)) {
    return BaseWrong(absl::StrCat("part at ", offset, " of the base model's file"),
                     "the bytes it had when the whole was checked", "others");
  }
  return reading_->reader.Feed(part, [&](ByteSpan plain) {
    return writing_->stream.Feed(plain,
                                 [&](ByteSpan model) { writing_->writer.Write(model, actions); });
  });
}

}  // namespace sealfold
