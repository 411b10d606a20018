// The corpus as files: FUZZ_TARGET/bad-NAME for each case and FUZZ_TARGET/forged-good, and an index
// that says what they are judged by and refused with.
#ifndef SEALFOLD_TESTS_BAD_EVIDENCE_INDEX_H_
#define SEALFOLD_TESTS_BAD_EVIDENCE_INDEX_H_

#include <string>

#include "absl/status/statusor.h"
#include "tests/bad_evidence/bad_evidence.h"

namespace sealfold {

// Writes the files of one platform below `corpus` and its index INDEX_FOLDER/FUZZ_TARGET.json; what
// was there of an earlier run is replaced.
absl::Status WriteBadEvidence(const BadEvidence& bad, const std::string& corpus,
                              const std::string& index_folder);

// What WriteBadEvidence wrote for a target.
absl::StatusOr<BadEvidence> ReadBadEvidence(const std::string& fuzz_target,
                                            const std::string& corpus,
                                            const std::string& index_folder);

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_BAD_EVIDENCE_INDEX_H_
