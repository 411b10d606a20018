// A participant's memory of one run on disk: STATE/plan-<16 hex digits>/. What it remembers of
// releases counts for all runs (seen_releases.h).
//
//   lock         held while a process works on the run
//   memory.cbor  Memory; mode 0600, replaced atomically
//   tags.bin     AEAD tags of the attempt entered last
// The folder is also where the client keeps the run's files: plan, records, models, receipts.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_STORE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "participant-client/memory/session_store.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

inline constexpr size_t kMemoryBytesMax = 1u << 20;  // of memory.cbor

class MemoryStore : public SessionStore {
 public:
  // Opens or makes the run's folder and takes its lock. InvalidArgument: "state_in_use" when
  // another process holds it, "state_unusable" for a folder that cannot be written, "file_unusable"
  // for a memory that cannot be read, "memory_broken" for one that does not parse or is of another
  // plan or participant: it is never begun anew by itself, since that would forget what must not
  // happen twice. `subject` is whose releases the policy accepts: the memory's release_version is
  // then the latest of any run; empty: of none.
  static absl::StatusOr<std::unique_ptr<MemoryStore>> Open(const std::string& state_dir,
                                                           const Digest& plan,
                                                           const SigningPublicKey& participant,
                                                           const std::string& subject = "");

  const Memory& memory() const { return memory_; }
  // The run's folder, and a file in it.
  const std::string& folder() const { return folder_; }
  std::string Path(absl::string_view name) const;

  // A later release than before is remembered for all runs first; "offer_release_old"
  // (PermissionDenied) where another run has seen a later one meanwhile: nothing is saved then.
  absl::Status Save(const Memory& memory) override;
  absl::Status WriteTags(uint64_t first, ByteSpan tags) override;
  absl::Status ReadTags(uint64_t first, MutableByteSpan out) override;
  absl::Status ClearTags() override;

 private:
  MemoryStore(std::string folder, UniqueFd lock, UniqueFd tags, Memory memory);

  std::string state_dir_;
  std::string subject_;
  std::optional<uint64_t> seen_release_;  // for all runs
  std::string folder_;
  UniqueFd lock_;
  UniqueFd tags_;
  Memory memory_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_STORE_H_
