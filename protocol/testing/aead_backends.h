// Every AEAD by every backend that has it, for tests to go through.
#ifndef SEALFOLD_PROTOCOL_TESTING_AEAD_BACKENDS_H_
#define SEALFOLD_PROTOCOL_TESTING_AEAD_BACKENDS_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/crypto/aead/choice.h"

namespace sealfold {

inline std::string NameOf(AeadId id) {
  switch (id) {
    case AeadId::kAes128Gcm:
      return "Aes128Gcm";
    case AeadId::kAes256Gcm:
      return "Aes256Gcm";
    case AeadId::kChaCha20Poly1305:
      return "ChaCha20Poly1305";
  }
  return "";
}
inline void PrintTo(AeadId id, std::ostream* out) { *out << NameOf(id); }

namespace testing {

inline constexpr AeadId kAllAeads[] = {AeadId::kAes128Gcm, AeadId::kAes256Gcm,
                                       AeadId::kChaCha20Poly1305};

struct AeadOfBackend {
  AeadId id;
  std::string backend;

  Aead Make(ByteSpan key) const {
    const ForcedAeadBackend forced(backend);
    return Aead::Make(id, key);
  }
};

// OpenSSL's first. Those that make a key, whether or not they work: one that is broken must fail
// tests, not be left out of them.
inline std::vector<AeadOfBackend> BackendsOf(AeadId id) {
  std::vector<AeadOfBackend> out;
  for (const AeadBackend& backend : AeadBackends()) {
    if (backend.make(id, Bytes(AeadKeySize(id))) != nullptr) {
      out.push_back({.id = id, .backend = std::string(backend.name)});
    }
  }
  return out;
}

inline std::vector<AeadOfBackend> AllAeadsOfBackends() {
  std::vector<AeadOfBackend> out;
  for (const AeadId id : kAllAeads) {
    for (AeadOfBackend& each : BackendsOf(id)) out.push_back(std::move(each));
  }
  return out;
}

// For the names of test cases: letters, digits and underscores.
inline std::string NameOf(const AeadOfBackend& aead) {
  return absl::StrCat(sealfold::NameOf(aead.id), "_",
                      absl::StrReplaceAll(aead.backend, {{"-", "_"}}));
}
inline void PrintTo(const AeadOfBackend& aead, std::ostream* out) { *out << NameOf(aead); }

}  // namespace testing
}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TESTING_AEAD_BACKENDS_H_
