#include "aggregator/core/publish/publisher.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/message/message.h"

namespace sealfold {
namespace {

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
      base_bytes_(BaseFileSizeBytes(terms)) {}

void Publisher::Start(Actions& actions) {
  model_.reset();
  writing_.reset();
  if (!checked_) parts_.clear();
  reading_.emplace(Reading{.reader = BaseReader(terms_, base_key_)});
  if (checked_) {
    writing_.emplace(Writing{.stream = ModelStream(terms_, sum_, weight_sum_),
                             .writer = ModelWriter(terms_, keys_)});
  }
  Want(0, actions);
}

void Publisher::Want(uint64_t offset, Actions& actions) {
  wanted_ = offset;
  SendHost(actions, WantBase{.offset = offset,
                             .length = std::min<uint64_t>(kPartBytesMax, base_bytes_ - offset)});
}

absl::Status Publisher::OnBase(uint64_t offset, ByteSpan bytes, Actions& actions) {
  if (wanted_ != offset) {
    return Refused({.code = "base_unexpected",
                    .what = "part of the base model",
                    .expected = wanted_.has_value() ? absl::StrCat("offset ", *wanted_) : "none",
                    .found = absl::StrCat("offset ", offset)});
  }
  wanted_.reset();
  const uint64_t length = std::min<uint64_t>(kPartBytesMax, base_bytes_ - offset);
  if (bytes.size() != length) {
    return BaseWrong(absl::StrCat("part at ", offset, " of the base model's file"),
                     absl::StrCat(length, " bytes of ", base_bytes_),
                     absl::StrCat(bytes.size(), " bytes"));
  }
  SEALFOLD_RETURN_IF_ERROR(checked_ ? Use(offset, bytes, actions) : Check(bytes));
  const uint64_t next = offset + length;
  if (next < base_bytes_) {
    Want(next, actions);
    return absl::OkStatus();
  }
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
  parts_.push_back(Sha256(part));
  absl::Status opened = reading_->reader.Feed(part, [this](ByteSpan plain) {
    reading_->hash.Update(plain);
    return absl::OkStatus();
  });
  if (opened.ok()) return opened;
  return BaseWrong("seal of the base model's file", "the previous round's sealed model",
                   Explain(opened).found);
}

absl::Status Publisher::Use(uint64_t offset, ByteSpan part, Actions& actions) {
  const Digest& expected = parts_.at(offset / kPartBytesMax);
  if (const Digest found = Sha256(part); found != expected) {
    return BaseWrong(absl::StrCat("SHA-256 of the part at ", offset, " of the base model's file"),
                     expected.hex(), found.hex());
  }
  return reading_->reader.Feed(part, [&](ByteSpan plain) {
    return writing_->stream.Feed(plain,
                                 [&](ByteSpan model) { writing_->writer.Write(model, actions); });
  });
}

}  // namespace sealfold
