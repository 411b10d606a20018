// Strong types: a digest is not a key, a round is not an attempt.
#ifndef SEALFOLD_PROTOCOL_BASE_TYPES_H_
#define SEALFOLD_PROTOCOL_BASE_TYPES_H_

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/bytes.h"
#include "protocol/base/error.h"

namespace sealfold {

// N bytes that mean one thing. Value type; zero when default-made.
template <typename Tag, size_t N>
class FixedBytes {
 public:
  static constexpr size_t kSize = N;

  constexpr FixedBytes() : bytes_{} {}

  // `bytes` must be N long: InvalidArgument otherwise.
  static absl::StatusOr<FixedBytes> From(ByteSpan bytes) {
    if (bytes.size() != N) {
      return BadInput({.code = "length_wrong",
                       .what = Tag::kName,
                       .expected = absl::StrCat(N, " bytes"),
                       .found = absl::StrCat(bytes.size(), " bytes")});
    }
    FixedBytes out;
    std::copy(bytes.begin(), bytes.end(), out.bytes_.begin());
    return out;
  }
  static absl::StatusOr<FixedBytes> FromHex(absl::string_view hex) {
    SEALFOLD_ASSIGN_OR_RETURN(Bytes bytes, HexDecode(hex));
    return From(bytes);
  }

  ByteSpan span() const { return bytes_; }
  MutableByteSpan mutable_span() { return absl::MakeSpan(bytes_); }
  const uint8_t* data() const { return bytes_.data(); }
  uint8_t* data() { return bytes_.data(); }
  std::string hex() const { return HexEncode(span()); }
  bool is_zero() const {
    return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t b) { return b == 0; });
  }

  // clang-tidy 14 takes the 0 in what this becomes for a pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const FixedBytes& b) {
    return H::combine(std::move(h), b.bytes_);
  }

 private:
  std::array<uint8_t, N> bytes_;
};

// A counted thing that does not mix with other counted things.
template <typename Tag>
class StrongUint {
 public:
  constexpr StrongUint() = default;
  constexpr explicit StrongUint(uint64_t value) : value_(value) {}
  constexpr uint64_t value() const { return value_; }
  constexpr StrongUint next() const { return StrongUint(value_ + 1); }
  // NOLINTNEXTLINE(modernize-use-nullptr): what the compiler makes of <=> is not ours to change
  friend auto operator<=>(const StrongUint&, const StrongUint&) = default;

 private:
  uint64_t value_ = 0;
};

struct DigestTag {
  static constexpr char kName[] = "SHA-256 digest";
};
struct MeasurementTag {
  static constexpr char kName[] = "SHA-384 measurement";
};
struct SigningPublicKeyTag {
  static constexpr char kName[] = "Ed25519 public key";
};
struct SignatureTag {
  static constexpr char kName[] = "Ed25519 signature";
};
struct SealingPublicKeyTag {
  static constexpr char kName[] = "X25519 public key";
};
struct NonceTag {
  static constexpr char kName[] = "nonce";
};
struct RoundTag {};
struct AttemptTag {};
struct WeightTag {};

using Digest = FixedBytes<DigestTag, 32>;                      // SHA-256
using Measurement = FixedBytes<MeasurementTag, 48>;            // SHA-384, a platform register
using SigningPublicKey = FixedBytes<SigningPublicKeyTag, 32>;  // RFC 8032; names a party
using Signature = FixedBytes<SignatureTag, 64>;                // RFC 8032
using SealingPublicKey = FixedBytes<SealingPublicKeyTag, 32>;  // RFC 7748; HPKE recipient
using SessionNonce = FixedBytes<NonceTag, 32>;                 // fresh per hello
using Round = StrongUint<RoundTag>;                            // from 1
using Attempt = StrongUint<AttemptTag>;                        // from 1 within a round
using Weight = StrongUint<WeightTag>;                          // a number of examples, from 1

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_TYPES_H_
