// A participant's memory of one run on disk: STATE/plan-<16 hex digits>/.
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

class MemoryStore : public SessionStore {
 public:
  // Opens or makes the run's folder and takes its lock. InvalidArgument: "state_in_use" when
  // another process holds it, "state_unusable" for a folder that cannot be written, "memory_broken"
  // for a memory that does not parse or is of another plan or participant: it is never begun anew
  // by itself, since that would forget what must not happen twice.
  static absl::StatusOr<std::unique_ptr<MemoryStore>> Open(const std::string& state_dir,
                                                           const Digest& plan,
                                                           const SigningPublicKey& participant);

  const Memory& memory() const { return memory_; }
  // The run's folder, and a file in it.
  const std::string& folder() const { return folder_; }
  std::string Path(absl::string_view name) const;

  absl::Status Save(const Memory& memory) override;
  absl::Status WriteTags(uint64_t first, ByteSpan tags) override;
  absl::Status ReadTags(uint64_t first, MutableByteSpan out) override;
  absl::Status ClearTags() override;

 private:
  MemoryStore(std::string folder, UniqueFd lock, UniqueFd tags, Memory memory);

  std::string folder_;
  UniqueFd lock_;
  UniqueFd tags_;
  Memory memory_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_MEMORY_STORE_H_
