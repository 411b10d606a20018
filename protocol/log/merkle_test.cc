#include "protocol/log/merkle.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr uint64_t kSizeMax = 64;

Digest Hash(absl::string_view hex) { return Digest::FromHex(hex).value(); }

std::vector<std::string> Hex(const std::vector<Digest>& proof) {
  std::vector<std::string> out;
  out.reserve(proof.size());
  for (const Digest& d : proof) out.push_back(d.hex());
  return out;
}

std::vector<Digest> Leaves(uint64_t count) {
  std::vector<Digest> out;
  for (uint64_t i = 0; i < count; ++i)
    out.push_back(MerkleLeaf(AsBytes(absl::StrCat("entry ", i))));
  return out;
}

MerkleLog LogOf(const std::vector<Digest>& leaves) {
  MerkleLog log;
  for (const Digest& leaf : leaves) log.Append(leaf);
  return log;
}

// MTH of section 2.1.1 as it is written down there.
Digest Reference(absl::Span<const Digest> leaves) {
  if (leaves.empty()) return Sha256(ByteSpan());
  if (leaves.size() == 1) return leaves[0];
  size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  const uint8_t node[] = {1};
  return Sha256({node, Reference(leaves.first(k)).span(), Reference(leaves.subspan(k)).span()});
}

// The turns of PATH(index, size), from the leaf up: 'L' where the sibling is left.
std::string Turns(uint64_t index, uint64_t size) {
  if (size == 1) return "";
  uint64_t k = 1;
  while (k * 2 < size) k *= 2;
  return index < k ? Turns(index, k) + "R" : Turns(index - k, size - k) + "L";
}

Digest Flip(const Digest& digest, size_t bit) {
  Digest out = digest;
  out.data()[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  return out;
}

// The tree that the Certificate Transparency projects test with (google/certificate-transparency,
// merkletree tests): 8 entries, their roots and proofs.
TEST(MerkleTest, WellKnownTree) {
  const char* entries[] = {"",
                           "00",
                           "10",
                           "2021",
                           "3031",
                           "40414243",
                           "5051525354555657",
                           "606162636465666768696a6b6c6d6e6f"};
  const char* roots[] = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                         "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                         "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                         "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleLog log;
  EXPECT_EQ(log.Root().hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  for (uint64_t i = 0; i < 8; ++i) {
    EXPECT_EQ(log.Append(MerkleLeaf(HexDecode(entries[i]).value())), i);
    EXPECT_EQ(log.Root().hex(), roots[i]);
  }
  const std::string h01 = roots[1];
  const std::string h0123 = roots[3];
  const std::vector<std::string> first = {
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"};
  EXPECT_EQ(Hex(log.InclusionProof(0, 8)), first);
  EXPECT_EQ(Hex(log.ConsistencyProof(1, 8)), first);
  const std::string h67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
  const std::string h4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
  EXPECT_EQ(Hex(log.InclusionProof(5, 8)), (std::vector<std::string>{h4, h67, h0123}));
  EXPECT_EQ(Hex(log.ConsistencyProof(6, 8)),
            (std::vector<std::string>{
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", h67, h0123}));
  EXPECT_EQ(Hex(log.ConsistencyProof(2, 5)), (std::vector<std::string>{first[1], h4}));
  EXPECT_EQ(Hex(log.InclusionProof(2, 3)), (std::vector<std::string>{h01}));
}

TEST(MerkleTest, RootsOfAllSizesAndOfTheirBeginnings) {
  const std::vector<Digest> leaves = Leaves(kSizeMax + 1);
  const MerkleLog log = LogOf(leaves);
  for (size_t n = 0; n <= leaves.size(); ++n) {
    EXPECT_EQ(log.Root(n), Reference(absl::MakeSpan(leaves).first(n))) << n;
  }
}

TEST(InclusionTest, EveryEntryOfEverySizeAndNoOtherIndexOrSize) {
  const std::vector<Digest> leaves = Leaves(kSizeMax + 1);
  const MerkleLog log = LogOf(leaves);
  for (uint64_t n = 1; n <= kSizeMax; ++n) {
    const Digest root = log.Root(n);
    for (uint64_t i = 0; i < n; ++i) {
      const std::vector<Digest> proof = log.InclusionProof(i, n);
      ASSERT_TRUE(VerifyInclusion(leaves[i], i, n, proof, root).ok()) << i << " of " << n;
      for (uint64_t j = 0; j <= n; ++j) {
        if (j == i) continue;
        EXPECT_EQ(ErrorCode(VerifyInclusion(leaves[i], j, n, proof, root)),
                  "inclusion_proof_wrong");
        if (j < n) {
          EXPECT_FALSE(VerifyInclusion(leaves[j], i, n, proof, root).ok());
        }
      }
      for (uint64_t m = 1; m <= kSizeMax + 1; ++m) {
        if (m == n) continue;
        // Under the other size's own root, never; under the same root only where the way up is the
        // same, because a root does not tell its size.
        EXPECT_FALSE(VerifyInclusion(leaves[i], i, m, proof, log.Root(m)).ok());
        EXPECT_EQ(VerifyInclusion(leaves[i], i, m, proof, root).ok(),
                  i < m && Turns(i, m) == Turns(i, n));
      }
    }
  }
}

// A proof shown for another index and size at once, under the same root, holds only where the way
// up is the same: it can be neither longer nor shorter than the claimed tree is deep.
TEST(InclusionTest, UnderTheSameRootOnlyTheSameWayUp) {
  const std::vector<Digest> leaves = Leaves(16);
  const MerkleLog log = LogOf(leaves);
  for (uint64_t n = 1; n <= 16; ++n) {
    for (uint64_t i = 0; i < n; ++i) {
      const std::vector<Digest> proof = log.InclusionProof(i, n);
      for (uint64_t m = 0; m <= 17; ++m) {
        for (uint64_t j = 0; j <= m; ++j) {
          EXPECT_EQ(VerifyInclusion(leaves[i], j, m, proof, log.Root(n)).ok(),
                    j < m && Turns(j, m) == Turns(i, n))
              << i << " of " << n << " shown as " << j << " of " << m;
        }
      }
    }
  }
}

TEST(InclusionTest, EveryFlippedBitAndEveryWrongLengthIsRefused) {
  const std::vector<Digest> leaves = Leaves(13);
  const MerkleLog log = LogOf(leaves);
  for (uint64_t n : {1, 2, 3, 7, 8, 13}) {
    const Digest root = log.Root(n);
    for (uint64_t i = 0; i < n; ++i) {
      std::vector<Digest> proof = log.InclusionProof(i, n);
      for (size_t bit = 0; bit < 256; ++bit) {
        EXPECT_FALSE(VerifyInclusion(Flip(leaves[i], bit), i, n, proof, root).ok());
        EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, proof, Flip(root, bit)).ok());
        for (Digest& node : proof) {
          node = Flip(node, bit);
          EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, proof, root).ok());
          node = Flip(node, bit);
        }
      }
      for (size_t length = 0; length < proof.size(); ++length) {
        EXPECT_FALSE(
            VerifyInclusion(leaves[i], i, n, absl::MakeSpan(proof).first(length), root).ok());
      }
      proof.push_back(root);
      EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, proof, root).ok());
    }
  }
}

TEST(InclusionTest, ExtremeNumbers) {
  const Digest leaf = MerkleLeaf(AsBytes("x"));
  EXPECT_FALSE(VerifyInclusion(leaf, 0, 0, {}, leaf).ok());
  EXPECT_FALSE(VerifyInclusion(leaf, UINT64_MAX, UINT64_MAX, {}, leaf).ok());
  const std::vector<Digest> proof(200, leaf);
  for (size_t length = 0; length <= proof.size(); ++length) {
    EXPECT_FALSE(
        VerifyInclusion(leaf, UINT64_MAX - 1, UINT64_MAX, absl::MakeSpan(proof).first(length), leaf)
            .ok());
  }
}

TEST(ConsistencyTest, EveryPairOfSizesAndNoOther) {
  const MerkleLog log = LogOf(Leaves(kSizeMax + 1));
  for (uint64_t n = 1; n <= kSizeMax; ++n) {
    for (uint64_t m = 1; m <= n; ++m) {
      const std::vector<Digest> proof = log.ConsistencyProof(m, n);
      ASSERT_TRUE(VerifyConsistency(m, n, log.Root(m), log.Root(n), proof).ok()) << m << ", " << n;
      for (uint64_t other = 0; other <= kSizeMax + 1; ++other) {
        if (other != m) {
          EXPECT_EQ(ErrorCode(VerifyConsistency(other, n, log.Root(other), log.Root(n), proof)),
                    "consistency_proof_wrong")
              << other << " for " << m << ", " << n;
          EXPECT_FALSE(VerifyConsistency(m, n, log.Root(other), log.Root(n), proof).ok());
        }
        if (other != n) {
          EXPECT_FALSE(VerifyConsistency(m, other, log.Root(m), log.Root(other), proof).ok());
          EXPECT_FALSE(VerifyConsistency(m, n, log.Root(m), log.Root(other), proof).ok());
        }
      }
    }
  }
}

TEST(ConsistencyTest, EveryFlippedBitAndEveryWrongLengthIsRefused) {
  const MerkleLog log = LogOf(Leaves(13));
  for (uint64_t n : {1, 2, 3, 7, 8, 13}) {
    for (uint64_t m = 1; m <= n; ++m) {
      const Digest first = log.Root(m);
      const Digest second = log.Root(n);
      std::vector<Digest> proof = log.ConsistencyProof(m, n);
      for (size_t bit = 0; bit < 256; ++bit) {
        EXPECT_FALSE(VerifyConsistency(m, n, Flip(first, bit), second, proof).ok());
        EXPECT_FALSE(VerifyConsistency(m, n, first, Flip(second, bit), proof).ok());
        for (Digest& node : proof) {
          node = Flip(node, bit);
          EXPECT_FALSE(VerifyConsistency(m, n, first, second, proof).ok());
          node = Flip(node, bit);
        }
      }
      for (size_t length = 0; length < proof.size(); ++length) {
        EXPECT_FALSE(
            VerifyConsistency(m, n, first, second, absl::MakeSpan(proof).first(length)).ok());
      }
      proof.push_back(second);
      EXPECT_FALSE(VerifyConsistency(m, n, first, second, proof).ok());
    }
  }
}

// Roots made so that a proof longer or shorter than the sizes ask for would add up.
TEST(ConsistencyTest, RootsMadeForAProofOfAnotherLength) {
  const std::vector<Digest> leaves = Leaves(3);
  const Digest pair = Reference(absl::MakeSpan(leaves).first(2));
  const Digest x = leaves[2];
  ASSERT_TRUE(VerifyConsistency(1, 2, leaves[0], pair, {leaves[1]}).ok());
  const Digest longer_first = Reference({x, leaves[0]});
  const Digest longer_second = Reference({x, pair});
  EXPECT_FALSE(VerifyConsistency(1, 2, longer_first, longer_second, {leaves[1], x}).ok());
  EXPECT_FALSE(VerifyConsistency(1, 2, leaves[0], longer_second, {leaves[1], x}).ok());
  // From 3 entries, whose path begins with a node of its own: one beyond the root of 4 entries.
  const Digest three = Reference({pair, x});
  const Digest four = Reference({pair, Reference({x, leaves[0]})});
  ASSERT_TRUE(VerifyConsistency(3, 4, three, four, {x, leaves[0], pair}).ok());
  EXPECT_FALSE(
      VerifyConsistency(3, 4, Reference({x, three}), Reference({x, four}), {x, leaves[0], pair, x})
          .ok());
  // One short of the root of 3 entries.
  EXPECT_FALSE(VerifyConsistency(1, 3, leaves[0], pair, {leaves[1]}).ok());
  // A log cannot shrink, whatever its roots.
  for (uint64_t first = 1; first <= 8; ++first) {
    for (uint64_t second = 0; second < first; ++second) {
      EXPECT_FALSE(VerifyConsistency(first, second, pair, pair, {}).ok());
      EXPECT_FALSE(VerifyConsistency(first, second, pair, pair, {pair}).ok());
    }
  }
}

// A log whose past was changed connects to no earlier root.
TEST(ConsistencyTest, ARewrittenEntryIsSeen) {
  std::vector<Digest> leaves = Leaves(20);
  const MerkleLog before = LogOf(leaves);
  for (uint64_t changed = 0; changed < 20; ++changed) {
    std::vector<Digest> others = leaves;
    others[changed] = Hash("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    const MerkleLog after = LogOf(others);
    for (uint64_t m = 1; m <= 20; ++m) {
      EXPECT_EQ(
          VerifyConsistency(m, 20, before.Root(m), after.Root(20), after.ConsistencyProof(m, 20))
              .ok(),
          changed >= m);
    }
  }
}

TEST(MerkleDeathTest, Bounds) {
  const MerkleLog log = LogOf(Leaves(3));
  EXPECT_DEATH(log.Root(4), "size");
  EXPECT_DEATH(log.InclusionProof(3, 3), "index");
  EXPECT_DEATH(log.ConsistencyProof(0, 3), "first");
  EXPECT_DEATH(log.ConsistencyProof(2, 4), "second");
}

}  // namespace
}  // namespace sealfold
