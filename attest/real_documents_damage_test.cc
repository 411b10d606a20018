// Every truncation and every change of a single byte of a real document is refused. Thousands of
// verifications: the fast set takes one document, a program of its own outside it
// (attest_slow_test) the other.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "attest/testing/vectors.h"

namespace sealfold {
namespace {

struct Document {
  const char* file;
  Bytes (*pcr0)();
};

#ifdef SEALFOLD_TEST_SLOW
constexpr Document kDocument{"nsm-2022-10.cose", &Pcr0Of2022};
#else
constexpr Document kDocument{"nsm-2025-12.cose", &Pcr0Of2025};
#endif

// Split into shards, so that they run beside each other.
constexpr size_t kShards = 6;

class DamageTest : public testing::TestWithParam<size_t> {
 protected:
  DamageTest() : bytes_(ReadDocument(kDocument.file)), policy_(NitroPolicy(kDocument.pcr0())) {}

  bool Passes(ByteSpan bytes) const {
    return VerifyEvidence(bytes, policy_, {.check_freshness = false}).passed();
  }

  Bytes bytes_;
  EvidencePolicy policy_;
};

TEST_P(DamageTest, EveryByteMatters) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  ASSERT_TRUE(Passes(bytes_));
  for (size_t i = GetParam(); i < bytes_.size(); i += kShards) {
    const auto change = static_cast<uint8_t>(1 + random() % 255);
    bytes_[i] ^= change;
    EXPECT_FALSE(Passes(bytes_)) << "byte " << i << " changed by " << int{change};
    bytes_[i] ^= change;
  }
  ASSERT_TRUE(Passes(bytes_));
}

TEST_P(DamageTest, EveryTruncationIsRefused) {
  for (size_t size = GetParam(); size < bytes_.size(); size += kShards) {
    EXPECT_FALSE(Passes(ByteSpan(bytes_).first(size))) << size;
  }
  Bytes longer = bytes_;
  longer.push_back(0);
  EXPECT_FALSE(Passes(longer));
}

INSTANTIATE_TEST_SUITE_P(Shards, DamageTest, testing::Range(size_t{0}, kShards));

}  // namespace
}  // namespace sealfold
