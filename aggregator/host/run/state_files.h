// What the aggregator seals for itself and has the host keep, beside a run's other files:
//
//   state-R.cbor        after round R; 0: before the first
//   state-before.cbor   of an earlier run, whose identity the aggregator is to take over
//   release.cbor        of which release it is, which it hands on
//
// While there is a state, no new identity begins, whatever became of a round: who wants one takes
// all of the first two away.
#ifndef SEALFOLD_AGGREGATOR_HOST_RUN_STATE_FILES_H_
#define SEALFOLD_AGGREGATOR_HOST_RUN_STATE_FILES_H_

#include <optional>

#include "absl/status/statusor.h"
#include "aggregator/host/run/run_store.h"

namespace sealfold {

// What the aggregator is to get back before the start of the round after `round`: the state of that
// round, or else the newest of this run, or else that of the earlier run; nullopt if there is none.
// InvalidArgument ("file_unusable", "file_too_large") for one that cannot be read: without it the
// aggregator would begin anew, and its new state take the place of this one.
absl::StatusOr<std::optional<Bytes>> ReadStateFile(const RunStore& store, uint64_t round);

// Of the last round published, or the one under way. Those of rounds before the one before it go.
// InvalidArgument ("aggregator_state_unfit", "file_unusable").
absl::Status KeepStateFile(const RunStore& store, uint64_t round, ByteSpan state);

// The state of an earlier run, by its file there. InvalidArgument, "identity_from_unfit", for what
// is no sealed state, and errors as above; PermissionDenied, "identity_from_late", where the run
// has a state of its own, unless that same file was given before.
absl::Status KeepIdentityFrom(const RunStore& store, const std::string& from);

// A release file, read anew before every start, so that the next program's may take its place.
// Errors as above, and "release_unfit" for a file that is none; nullopt: none.
absl::StatusOr<std::optional<Bytes>> ReadReleaseFile(const RunStore& store);
absl::Status KeepReleaseFile(const RunStore& store, const std::string& from);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_RUN_STATE_FILES_H_
