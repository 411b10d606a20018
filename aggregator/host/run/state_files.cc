#include "aggregator/host/run/state_files.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/base/error.h"
#include "protocol/message/state_message.h"
#include "protocol/program/optional_file.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr char kStateBefore[] = "state-before.cbor";
constexpr char kStatePrefix[] = "state-";
constexpr char kStateSuffix[] = ".cbor";

std::string NameOf(uint64_t round) { return absl::StrCat(kStatePrefix, round, kStateSuffix); }

absl::StatusOr<std::optional<Bytes>> ReadIfThere(const std::string& path, size_t size_max) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<std::string> content,
                            ReadFileIfThere(path, size_max));
  if (!content.has_value()) return std::nullopt;
  return ToBytes(AsBytes(*content));
}

// The rounds of whose end the run has states.
absl::StatusOr<std::set<uint64_t>> OwnStates(const RunStore& store) {
  std::set<uint64_t> rounds;
  std::error_code error;
  for (auto file = std::filesystem::directory_iterator(store.Path("."), error);
       !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    const std::string name = file->path().filename();
    absl::string_view number = name;
    uint64_t round = 0;
    if (absl::ConsumePrefix(&number, kStatePrefix) && absl::ConsumeSuffix(&number, kStateSuffix) &&
        absl::SimpleAtoi(number, &round) && NameOf(round) == name) {
      rounds.insert(round);
    }
  }
  if (!error) return rounds;
  errno = error.value();
  return FileError("reading", store.Path("."));
}

// `from`, if it is CBOR of `type`. `unfit`: the error otherwise, but for what was found.
absl::StatusOr<std::string> ReadOfType(const std::string& from, size_t size_max,
                                       absl::string_view type, Explanation unfit) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string content, ReadFile(from, size_max));
  const std::string found = cbor::PeekType(AsBytes(content)).value_or("");
  if (found == type) return content;
  unfit.what = from;
  unfit.found = found.empty() ? "another file" : found;
  return BadInput(unfit);
}

}  // namespace

absl::StatusOr<std::optional<Bytes>> ReadStateFile(const RunStore& store, uint64_t round) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::set<uint64_t> own, OwnStates(store));
  if (own.empty()) return ReadIfThere(store.Path(kStateBefore), kSealedStateBytesMax);
  const std::string path = store.Path(NameOf(own.contains(round) ? round : *own.rbegin()));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string state, ReadFile(path, kSealedStateBytesMax));
  return ToBytes(AsBytes(state));
}

absl::Status KeepIdentityFrom(const RunStore& store, const std::string& from) {
  SEALFOLD_ASSIGN_OR_RETURN(
      const std::string state,
      ReadOfType(from, kSealedStateBytesMax, kSealedStateType,
                 {.code = "identity_from_unfit",
                  .expected = "a state that an aggregator sealed in an earlier run",
                  .advice = "give state-R.cbor of that run's folder"}));
  // Said again at a restart, it changes nothing.
  SEALFOLD_ASSIGN_OR_RETURN(const std::optional<std::string> kept,
                            ReadFileIfThere(store.Path(kStateBefore), kSealedStateBytesMax));
  if (kept == state) return absl::OkStatus();
  SEALFOLD_ASSIGN_OR_RETURN(const std::set<uint64_t> own, OwnStates(store));
  if (!own.empty()) {
    return Refused({.code = "identity_from_late",
                    .what = "identity of an earlier run",
                    .expected = "a run whose aggregator has no identity yet",
                    .found = absl::StrCat("one that has, in ", NameOf(*own.rbegin())),
                    .advice = "give --identity-from with the first `serve` of a new run"});
  }
  return WriteFileAtomic(store.Path(kStateBefore), state);
}

absl::StatusOr<std::optional<Bytes>> ReadReleaseFile(const RunStore& store) {
  return ReadIfThere(store.Path("release.cbor"), kOfferedReleaseBytesMax);
}

absl::Status KeepReleaseFile(const RunStore& store, const std::string& from) {
  SEALFOLD_ASSIGN_OR_RETURN(
      const std::string release,
      ReadOfType(from, kOfferedReleaseBytesMax, kReleaseFileType,
                 {.code = "release_unfit",
                  .expected = "a release that builders signed",
                  .advice = "give the file that `sealfold-attest release sign` wrote"}));
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
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(store.Path(NameOf(round)), AsText(state)));
  // Only now are older ones of no use: rounds that kept none may lie between. The one of the round
  // before serves until this round's record is here.
  SEALFOLD_ASSIGN_OR_RETURN(const std::set<uint64_t> own, OwnStates(store));
  for (const uint64_t older : own) {
    if (older + 1 < round) unlink(store.Path(NameOf(older)).c_str());
  }
  return absl::OkStatus();
}

}  // namespace sealfold
