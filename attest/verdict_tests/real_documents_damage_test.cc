// Every truncation and every change of a single byte of a real document is refused. Thousands of
// verifications: the fast set takes one document of each platform, a program of its own outside it
// (attest_slow_test) another.
#include <gtest/gtest.h>

#include <iostream>
#include <random>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "attest/testing/vectors.h"
#include "attest/x509/chain_cache.h"

namespace sealfold {
namespace {

struct Document {
  const char* file;
  EvidencePolicy (*policy)();
};

#ifdef SEALFOLD_TEST_SLOW
const Document kDocuments[] = {{"nsm-2022-10.cose", [] { return NitroPolicy(Pcr0Of2022()); }}};
#else
const Document kDocuments[] = {{"nsm-2025-12.cose", [] { return NitroPolicy(Pcr0Of2025()); }},
                               {"nitrotpm-2026-02.cose", &NitroTpmPolicy}};
#endif

// Split into shards, so that they run beside each other.
constexpr size_t kShards = 6;

class DamageTest : public testing::TestWithParam<std::tuple<Document, size_t>> {
 protected:
  DamageTest()
      : bytes_(ReadDocument(std::get<0>(GetParam()).file)),
        policy_(std::get<0>(GetParam()).policy()),
        shard_(std::get<1>(GetParam())) {}

  // With a cache that knows the good document's chain too.
  bool Passes(ByteSpan bytes) {
    const bool plain = VerifyEvidence(bytes, policy_, {.check_freshness = false}).passed();
    EXPECT_EQ(VerifyEvidence(bytes, policy_, {.check_freshness = false}, &cache_).passed(), plain);
    return plain;
  }

  Bytes bytes_;
  EvidencePolicy policy_;
  size_t shard_;
  ChainCache cache_;
};

TEST_P(DamageTest, EveryByteMatters) {
  const uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  ASSERT_TRUE(Passes(bytes_));
  for (size_t i = shard_; i < bytes_.size(); i += kShards) {
    const auto change = static_cast<uint8_t>(1 + random() % 255);
    bytes_[i] ^= change;
    EXPECT_FALSE(Passes(bytes_)) << "byte " << i << " changed by " << int{change};
    bytes_[i] ^= change;
  }
  ASSERT_TRUE(Passes(bytes_));
}

TEST_P(DamageTest, EveryTruncationIsRefused) {
  ASSERT_TRUE(Passes(bytes_));
  for (size_t size = shard_; size < bytes_.size(); size += kShards) {
    EXPECT_FALSE(Passes(ByteSpan(bytes_).first(size))) << size;
  }
  Bytes longer = bytes_;
  longer.push_back(0);
  EXPECT_FALSE(Passes(longer));
}

INSTANTIATE_TEST_SUITE_P(Shards, DamageTest,
                         testing::Combine(testing::ValuesIn(kDocuments),
                                          testing::Range(size_t{0}, kShards)),
                         [](const auto& tested) {
                           const absl::string_view file = std::get<0>(tested.param).file;
                           return absl::StrCat(file.substr(0, file.find('-')), "_",
                                               std::get<1>(tested.param));
                         });

}  // namespace
}  // namespace sealfold
