// The certificates of one sealfold-softnsm: a root kept in its state directory, and under it an
// intermediate and a leaf that live for three hours, as a Nitro leaf does.
#ifndef SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_AUTHORITY_H_
#define SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_AUTHORITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/software/authority/key.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// Moves, does not copy. For one thread.
class Authority {
 public:
  // Reads DIR/root.key and DIR/root.pem; makes the directory (0700), the key (0600) and the
  // certificate where they are missing. InvalidArgument, code "authority_*" or "key_malformed", for
  // files that do not fit.
  static absl::StatusOr<Authority> Open(const std::string& state_dir, uint64_t now_ms);

  const Certificate& root() const { return root_; }

  // A leaf that is valid at `now_ms` and for minutes after: made when first asked for, again before
  // it expires, and again if the clock went backwards.
  struct Leaf {
    UniqueKey key{nullptr, &EVP_PKEY_free};
    Bytes certificate;          // DER
    std::vector<Bytes> bundle;  // DER, root first; the last signed `certificate`
    uint64_t not_before_ms = 0;
    uint64_t not_after_ms = 0;
  };
  const Leaf& LeafAt(uint64_t now_ms);

 private:
  Authority(Certificate root, UniqueKey root_key)
      : root_(std::move(root)), root_key_(std::move(root_key)) {}

  Certificate root_;
  UniqueKey root_key_;
  Leaf leaf_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_AUTHORITY_H_
