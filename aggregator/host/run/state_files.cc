#include "aggregator/host/run/state_files.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/message/state_message.h"
#include "protocol/program/optional_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr char kStateBefore[] = "state-before.cbor";

std::string PathOf(const RunStore& store, uint64_t round) {
  return store.Path(absl::StrCat("state-", round, ".cbor"));
}

absl::StatusOr<std::optional<Bytes>> ReadIfThere(const std::string& path, size_t size_max) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<std::string> content,
                            ReadFileIfThere(path, size_max));
  if (!content.has_value()) return std::nullopt;
  return ToBytes(AsBytes(*content));
}

}  // namespace

absl::StatusOr<std::optional<Bytes>> ReadStateFile(const RunStore& store, uint64_t round) {
  SEALFOLD_ASSIGN_OR_RETURN(std::optional<Bytes> own,
                            ReadIfThere(PathOf(store, round), kSealedStateBytesMax));
  if (own.has_value() || round > 0) return own;
  return ReadIfThere(store.Path(kStateBefore), kSealedStateBytesMax);
}

absl::Status KeepIdentityFrom(const RunStore& store, const std::string& from) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string state, ReadFile(from, kSealedStateBytesMax));
  const std::string type = cbor::PeekType(AsBytes(state)).value_or("");
  if (type != kSealedStateType) {
    return BadInput({.code = "identity_from_unfit",
                     .what = from,
                     .expected = "a state that an aggregator sealed in an earlier run",
                     .found = type.empty() ? "another file" : type,
                     .advice = "give state-R.cbor of that run's folder"});
  }
  // Said again at a restart, it changes nothing.
  const absl::StatusOr<std::string> kept = ReadFile(store.Path(kStateBefore), kSealedStateBytesMax);
  if (kept.ok() && *kept == state) return absl::OkStatus();
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<Bytes> own,
                            ReadIfThere(PathOf(store, 0), kSealedStateBytesMax));
  if (own.has_value() || store.records() > 0) {
    return Refused({.code = "identity_from_late",
                    .what = "identity of an earlier run",
                    .expected = "a run that no aggregator has begun yet",
                    .found = "one that has been begun without it, or with another",
                    .advice = "give --identity-from with the first `serve` of a new run"});
  }
  return WriteFileAtomic(store.Path(kStateBefore), state);
}

absl::StatusOr<std::optional<Bytes>> ReadReleaseFile(const RunStore& store) {
  return ReadIfThere(store.Path("release.cbor"), kOfferedReleaseBytesMax);
}

absl::Status KeepReleaseFile(const RunStore& store, const std::string& from) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string release, ReadFile(from, kOfferedReleaseBytesMax));
  return WriteFileAtomic(store.Path("release.cbor"), release);
}

absl::Status KeepStateFile(const RunStore& store, uint64_t round, ByteSpan state) {
  const uint64_t published = store.records();
  if ((round != published && round != published + 1) || state.size() > kSealedStateBytesMax) {
    return BadInput({.code = "aggregator_state_unfit",
                     .what = "the aggregator's sealed state",
                     .expected = absl::StrCat("of round ", published, " or ", published + 1,
                                              ", at most ", kSealedStateBytesMax, " bytes"),
                     .found = absl::StrCat("of round ", round, ", ", state.size(), " bytes")});
  }
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(PathOf(store, round), AsText(state)));
  // The one before serves until this round's record is here.
  if (round > 1) unlink(PathOf(store, round - 2).c_str());
  return absl::OkStatus();
}

}  // namespace sealfold
