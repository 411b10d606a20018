// Which backend an AEAD comes from: of those that prove to be right, the fastest here and now. The
// choice changes no byte of what is sealed.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_AEAD_CHOICE_H_
#define SEALFOLD_PROTOCOL_CRYPTO_AEAD_CHOICE_H_

#include "protocol/crypto/aead/backend.h"

namespace sealfold {

// Whether `backend` has `id`, reproduces a published vector, and refuses a changed tag.
bool AeadBackendWorks(const AeadBackend& backend, AeadId id);

// Of the backends that work, and agree with the first that does on messages of many lengths, the
// one that opens kAeadTimedBytes fastest. Takes about a millisecond. Requires: one works.
inline constexpr size_t kAeadTimedBytes = 32768;
const AeadBackend& FastestAeadBackend(AeadId id, absl::Span<const AeadBackend> backends);

// What Aead::Make uses: the fastest of AeadBackends(), found out once per process for each `id`.
const AeadBackend& ChosenAeadBackend(AeadId id);

// For tests and benchmarks: while it lives, the whole process uses the backend of that name for
// each AEAD that it has. One at a time. Requires: a name of AeadBackends().
class ForcedAeadBackend {
 public:
  explicit ForcedAeadBackend(absl::string_view name);
  ForcedAeadBackend(const ForcedAeadBackend&) = delete;
  ForcedAeadBackend& operator=(const ForcedAeadBackend&) = delete;
  ~ForcedAeadBackend();
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_AEAD_CHOICE_H_
