// Merkle proofs: what verifies under a log's own roots is the very proof that the log gives.
#include <algorithm>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/log/merkle.h"

namespace sealfold {
namespace {

constexpr uint64_t kSizeMax = 40;

const MerkleLog& Log() {
  static const MerkleLog log = [] {
    MerkleLog out;
    for (uint64_t i = 0; i < kSizeMax; ++i) {
      const auto entry = static_cast<uint8_t>(i);
      out.Append(MerkleLeaf(ByteSpan(&entry, 1)));
    }
    return out;
  }();
  return log;
}

// Reads the input from its front; zeros when it is used up.
class Input {
 public:
  explicit Input(ByteSpan bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const uint8_t b = bytes_.front();
    bytes_.remove_prefix(1);
    return b;
  }
  // Small numbers, and now and then any 64 bits.
  uint64_t Number() {
    const uint8_t b = Byte();
    if (b < 250) return b % (kSizeMax + 2);
    uint64_t n = 0;
    for (int i = 0; i < 8; ++i) n = n << 8 | Byte();
    return n;
  }
  // A subtree of the log, or any 32 bytes.
  Digest Node() {
    const uint8_t b = Byte();
    if (b < 250) {
      const uint64_t size = 1 + b % kSizeMax;
      const std::vector<Digest> path = Log().InclusionProof(Byte() % size, size);
      return path.empty() ? Log().Root(1) : path[Byte() % path.size()];
    }
    Digest out;
    std::generate_n(out.data(), Digest::kSize, [this] { return Byte(); });
    return out;
  }

 private:
  ByteSpan bytes_;
};

Digest RootOf(uint64_t size) { return Log().Root(std::min(size, kSizeMax)); }

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sealfold::Digest;
  using sealfold::kSizeMax;
  sealfold::Input input(sealfold::ByteSpan(data, size));
  const bool inclusion = input.Byte() % 2 == 0;
  const uint64_t a = input.Number();
  const uint64_t b = input.Number();
  const auto entry = static_cast<uint8_t>(inclusion ? input.Byte() : 0);
  std::vector<Digest> proof;
  while (!input.empty() && proof.size() < 80) proof.push_back(input.Node());

  if (inclusion) {
    const Digest leaf = sealfold::MerkleLeaf(sealfold::ByteSpan(&entry, 1));
    if (VerifyInclusion(leaf, a, b, proof, sealfold::RootOf(b)).ok() && b <= kSizeMax) {
      SEALFOLD_CHECK(a == entry && a < b);
      SEALFOLD_CHECK(proof == sealfold::Log().InclusionProof(a, b));
    }
  } else if (VerifyConsistency(a, b, sealfold::RootOf(a), sealfold::RootOf(b), proof).ok() &&
             b <= kSizeMax) {
    SEALFOLD_CHECK(0 < a && a <= b);
    SEALFOLD_CHECK(proof == sealfold::Log().ConsistencyProof(a, b));
  }
  return 0;
}
