// Where a submission keeps what it must not forget. Every call is durable when it returns OK.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SESSION_STORE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SESSION_STORE_H_

#include "absl/status/status.h"
#include "participant-client/memory/memory.h"

namespace sealfold {

class SessionStore {
 public:
  virtual ~SessionStore() = default;
  // Replaces the memory as a whole: a crash leaves the old or the new. Survives a loss of power.
  virtual absl::Status Save(const Memory& memory) = 0;
  // The AEAD tags (kAeadTagSize each) of chunks from `first` on, of the attempt entered last; what
  // stood there is replaced. Survives the process; after a loss of power ReadTags may miss the last
  // ones.
  virtual absl::Status WriteTags(uint64_t first, ByteSpan tags) = 0;
  // Fills `out`, a multiple of kAeadTagSize long. InvalidArgument ("tags_lost") if some were never
  // written.
  virtual absl::Status ReadTags(uint64_t first, MutableByteSpan out) = 0;
  // Forgets all tags: a new attempt begins.
  virtual absl::Status ClearTags() = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_SESSION_STORE_H_
