// The latest signed releases that this participant ever sealed an update to, over all runs:
// STATE/releases.cbor. One version for each subject, whoever signed it: versions of a subject only
// rise. Only a policy's own hand may go back, by naming reference values.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SEEN_RELEASES_H_
#define SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SEEN_RELEASES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealfold {

// The latest version of `subject`; none: nothing was sealed to one. InvalidArgument,
// "memory_broken", for a file that does not parse, "file_unusable" for one that cannot be read: it
// is never begun anew by itself.
absl::StatusOr<std::optional<uint64_t>> SeenRelease(const std::string& state_dir,
                                                    absl::string_view subject);

// Remembers `version`; durable when it returns OK. PermissionDenied, "offer_release_old", where a
// later one is remembered, as another run of the same state folder may have done meanwhile.
// Requires: the folder is there. Processes take turns.
absl::Status RaiseSeenRelease(const std::string& state_dir, absl::string_view subject,
                              uint64_t version);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SEEN_RELEASES_H_
