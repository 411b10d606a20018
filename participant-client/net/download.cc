#include "participant-client/net/download.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr uint64_t kPartsAhead = 4;

absl::Status Contradiction(std::string code, std::string expected, uint64_t found) {
  return PeerError({.code = std::move(code),
                    .what = "size of a file that the coordinator offers",
                    .expected = std::move(expected),
                    .found = absl::StrCat(found, " bytes"),
                    .advice = "the coordinator's files are damaged, or it is not honest"});
}

}  // namespace

void Download::AskAgain() { asked_ = received_; }

std::vector<Message> Download::TakeQuestions() {
  std::vector<Message> out;
  // Until the first part has come nothing is known of the file, so only that one is asked for.
  const uint64_t end =
      total_.has_value() ? std::min(*total_, received_ + kPartsAhead * part_bytes_) : 1;
  while (asked_ < end) {
    out.push_back(
        {.head = cbor::EncodeFields(GetRequest{.what = what_, .round = round_, .offset = asked_}),
         .bulk = {}});
    asked_ += std::max<uint64_t>(part_bytes_, 1);
  }
  return out;
}

absl::StatusOr<bool> Download::Take(const Part& part, ByteSpan bulk) {
  if (part.what != what_ || part.round != round_ || part.offset != received_ || bulk.empty()) {
    // A part of no bytes is the whole of an empty file, or nothing.
    if (part.what == what_ && part.round == round_ && part.total == 0) {
      return Contradiction("file_size_wrong", "at least 1 byte", 0);
    }
    return false;
  }
  if (part.total > size_bytes_max_ || bulk.size() > kPartBytesMax ||
      part.offset + bulk.size() > part.total) {
    return Contradiction("file_size_wrong", absl::StrCat("at most ", size_bytes_max_, " bytes"),
                         std::max(part.total, part.offset + bulk.size()));
  }
  if (total_.has_value() && *total_ != part.total) {
    return Contradiction("file_changed", absl::StrCat(*total_, " bytes, as before"), part.total);
  }
  if (!total_.has_value()) {
    total_ = part.total;
    part_bytes_ = bulk.size();
    asked_ = bulk.size();
  }
  received_ += bulk.size();
  return true;
}

}  // namespace sealfold
