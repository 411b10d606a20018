// A bank of platform registers: hashes of one algorithm, and registers extended by them.
#ifndef SEALFOLD_ATTEST_MEASURE_BANK_H_
#define SEALFOLD_ATTEST_MEASURE_BANK_H_

#include <initializer_list>
#include <memory>
#include <optional>

#include "protocol/base/bytes.h"

namespace sealfold {

enum class BankHash { kSha1, kSha256, kSha384, kSha512 };
inline constexpr BankHash kBankHashes[] = {BankHash::kSha1, BankHash::kSha256, BankHash::kSha384,
                                           BankHash::kSha512};

// "sha256", as TPM tools call them; and back.
absl::string_view BankHashName(BankHash hash);
std::optional<BankHash> FindBankHash(absl::string_view name);

// Incremental. Moves, does not copy.
class BankHasher {
 public:
  explicit BankHasher(BankHash hash);
  BankHasher(BankHasher&&) noexcept;
  BankHasher& operator=(BankHasher&&) noexcept;
  ~BankHasher();
  void Update(ByteSpan bytes);
  Bytes Finish();  // once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of the concatenation of `parts`.
Bytes HashInBank(BankHash hash, std::initializer_list<ByteSpan> parts);

// A register as a TPM (Part 1, 11.4.7) and Nitro's NSM have them: zero at first, and
// value = H(value ‖ digest) for each digest.
class BankRegister {
 public:
  explicit BankRegister(BankHash hash);
  // Requires: a digest of the bank's hash.
  void Extend(ByteSpan digest);
  // Extends by the digest of what is measured.
  void Measure(ByteSpan event) { Extend(HashInBank(hash_, {event})); }
  const Bytes& value() const { return value_; }

 private:
  BankHash hash_;
  Bytes value_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_BANK_H_
