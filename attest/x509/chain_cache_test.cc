#include "attest/x509/chain_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "attest/x509/chain.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr auto kNitro = CertificateProfile::kNitro;

absl::Status Verify(const Chain& chain, int64_t time_s, ChainCache* cache) {
  return VerifyChain(chain.root, chain.intermediates, chain.leaf, time_s, kNitro, cache);
}

bool Has(ChainCache& cache, const Chain& chain, int64_t time_s) {
  return cache.HasChain(chain.root, chain.intermediates, chain.leaf, kNitro, time_s);
}

TEST(ChainCacheTest, KnowsAChainAndItsCertificatesOnceTheyPassed) {
  const Chain chain = Chain::Make();
  ChainCache cache;
  EXPECT_FALSE(Has(cache, chain, kForgeTime_s));
  EXPECT_FALSE(cache.FindIssued(chain.root.digest(), chain.intermediates[0].digest()).has_value());
  ASSERT_TRUE(Verify(chain, kForgeTime_s, &cache).ok());
  EXPECT_TRUE(Has(cache, chain, kForgeTime_s));
  EXPECT_EQ(cache.size(), 3U);  // two signatures, one chain
  const auto known = cache.FindIssued(chain.intermediates[0].digest(), chain.leaf.digest());
  ASSERT_TRUE(known.has_value());
  EXPECT_EQ(known->x509(), chain.leaf.x509());
  EXPECT_FALSE(cache.FindIssued(chain.root.digest(), chain.leaf.digest()).has_value());
  ASSERT_TRUE(Verify(chain, kForgeTime_s, &cache).ok());
  EXPECT_EQ(cache.size(), 3U);
}

// Every second around the ends of each certificate's validity, by a cache that knows the chain.
TEST(ChainCacheTest, TimeIsJudgedAsWithoutACache) {
  for (int which = 0; which < 3; ++which) {
    ChainSpec spec;
    CertificateSpec& narrow = which == 0   ? spec.root
                              : which == 1 ? spec.intermediates[0]
                                           : spec.leaf;
    narrow.not_before_s = kForgeTime_s - 10;
    narrow.not_after_s = kForgeTime_s + 10;
    const Chain chain = Chain::Make(spec);
    ChainCache cache;
    ASSERT_TRUE(Verify(chain, kForgeTime_s, &cache).ok());
    for (int64_t time_s = kForgeTime_s - 13; time_s <= kForgeTime_s + 13; ++time_s) {
      const absl::Status plain = Verify(chain, time_s, nullptr);
      EXPECT_EQ(Verify(chain, time_s, &cache), plain) << which << ", " << time_s - kForgeTime_s;
      EXPECT_EQ(Has(cache, chain, time_s), plain.ok()) << which << ", " << time_s - kForgeTime_s;
    }
  }
}

TEST(ChainCacheTest, AnotherChainOfKnownCertificatesIsNotKnown) {
  ChainSpec spec;
  spec.AddIntermediate();
  const Chain chain = Chain::Make(spec);
  ChainCache cache;
  ASSERT_TRUE(Verify(chain, kForgeTime_s, &cache).ok());
  // Shorter at the top, under a root that signed the rest but is not the one pinned for it.
  EXPECT_FALSE(cache.HasChain(chain.intermediates[0], {&chain.intermediates[1], 1}, chain.leaf,
                              kNitro, kForgeTime_s));
  const std::vector<Certificate> swapped = {chain.intermediates[1], chain.intermediates[0]};
  const std::vector<Certificate> shorter = {chain.intermediates[1]};
  for (const auto& intermediates : {swapped, shorter}) {
    const absl::Status plain = VerifyChain(chain.root, intermediates, chain.leaf, kForgeTime_s);
    EXPECT_FALSE(plain.ok());
    EXPECT_EQ(VerifyChain(chain.root, intermediates, chain.leaf, kForgeTime_s, kNitro, &cache),
              plain);
  }
  const Chain other = Chain::Make(spec);
  EXPECT_EQ(ErrorCode(VerifyChain(other.root, chain.intermediates, chain.leaf, kForgeTime_s, kNitro,
                                  &cache)),
            "chain");
}

// A chain for one use says nothing about another.
TEST(ChainCacheTest, AChainIsKnownForItsProfileOnly) {
  ChainSpec spec;
  spec.leaf.extended_key_usage = "2.23.133.8.3";
  const Chain good = Chain::Make(spec);
  const Chain plain = Chain::Make();
  ChainCache cache;
  for (const Chain* chain : {&good, &plain}) ASSERT_TRUE(Verify(*chain, kForgeTime_s, &cache).ok());
  constexpr auto kTpm = CertificateProfile::kTpm;
  EXPECT_TRUE(
      VerifyChain(good.root, good.intermediates, good.leaf, kForgeTime_s, kTpm, &cache).ok());
  EXPECT_EQ(ErrorCode(VerifyChain(plain.root, plain.intermediates, plain.leaf, kForgeTime_s, kTpm,
                                  &cache)),
            "chain");
}

// One leaf more, issued under known certificates: each rule about it is applied.
TEST(ChainCacheTest, WhatFailsIsNotKept) {
  ChainSpec spec;
  spec.AddIntermediate();
  spec.intermediates[0].basic_constraints = "critical,CA:TRUE,pathlen:0";
  const Chain chain = Chain::Make(spec);
  ChainCache cache;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ErrorCode(Verify(chain, kForgeTime_s, &cache)), "chain");
    EXPECT_FALSE(Has(cache, chain, kForgeTime_s));
  }
  const Chain stranger = Chain::Make();
  EXPECT_FALSE(
      VerifyChain(stranger.root, stranger.intermediates, chain.leaf, kForgeTime_s, kNitro, &cache)
          .ok());
  EXPECT_FALSE(
      cache.FindIssued(stranger.intermediates[0].digest(), chain.leaf.digest()).has_value());
}

// Names and key identifiers fit: only the signature tells.
TEST(ChainCacheTest, ACertificateWithABrokenSignatureIsRefusedAndNotKept) {
  const Chain chain = Chain::Make();
  const auto broken = [](const Certificate& good) {
    Bytes der = good.der();
    der.back() ^= 1;
    return Certificate::FromDer(der).value();
  };
  const Certificate leaf = broken(chain.leaf);
  const Certificate intermediate = broken(chain.intermediates[0]);
  ChainCache cache;
  ASSERT_TRUE(Verify(chain, kForgeTime_s, &cache).ok());
  for (int i = 0; i < 2; ++i) {
    for (ChainCache* with : {static_cast<ChainCache*>(nullptr), &cache}) {
      EXPECT_EQ(
          ErrorCode(VerifyChain(chain.root, chain.intermediates, leaf, kForgeTime_s, kNitro, with)),
          "chain");
      EXPECT_EQ(ErrorCode(VerifyChain(chain.root, {intermediate}, chain.leaf, kForgeTime_s, kNitro,
                                      with)),
                "chain");
    }
  }
  EXPECT_FALSE(cache.FindIssued(chain.intermediates[0].digest(), leaf.digest()).has_value());
  EXPECT_FALSE(cache.FindIssued(chain.root.digest(), intermediate.digest()).has_value());
}

TEST(ChainCacheTest, ADocumentOfAnotherSignatureFailsUnderAKnownLeaf) {
  const Chain chain = Chain::Make();
  const Chain other = Chain::Make();
  ChainCache cache;
  ASSERT_TRUE(
      VerifyEvidence(chain.Document(), chain.Policy(), ForgeExpectation(), &cache).passed());
  EXPECT_EQ(CheckNames(VerifyEvidence(other.Sign(chain.Content()), chain.Policy(),
                                      ForgeExpectation(), &cache)),
            "platform format chain certificate_time !signature");
  NitroDocument later = chain.Content();
  later.timestamp_ms = kForgeTime_ms + 7'200'000;
  EXPECT_EQ(
      CheckNames(VerifyEvidence(chain.Sign(later), chain.Policy(), ForgeExpectation(), &cache)),
      "platform format !certificate_time");
}

TEST(ChainCacheTest, IsBoundedAndKeepsWhatWasUsedLast) {
  ChainCache cache(6);
  const Chain kept = Chain::Make();
  ASSERT_TRUE(Verify(kept, kForgeTime_s, &cache).ok());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(Verify(Chain::Make(), kForgeTime_s, &cache).ok());
    EXPECT_LE(cache.size(), 6U);
    EXPECT_TRUE(Has(cache, kept, kForgeTime_s)) << i;
  }
}

TEST(ChainCacheTest, WhatHasExpiredGoesFirst) {
  ChainCache cache(6);
  ChainSpec brief;
  brief.leaf.not_after_s = kForgeTime_s + 10;
  const Chain lasting = Chain::Make();
  const Chain expired = Chain::Make(brief);
  ASSERT_TRUE(Verify(lasting, kForgeTime_s, &cache).ok());
  ASSERT_TRUE(Verify(expired, kForgeTime_s, &cache).ok());
  // Its leaf's signature and its chain go, though they were used later.
  ASSERT_TRUE(Verify(Chain::Make(), kForgeTime_s + 10, &cache).ok());
  EXPECT_TRUE(Has(cache, lasting, kForgeTime_s));
  EXPECT_FALSE(Has(cache, expired, kForgeTime_s));
}

TEST(ChainCacheTest, ServesManyThreads) {
  ChainCache cache(8);
  std::vector<Chain> chains;
  for (int i = 0; i < 4; ++i) chains.push_back(Chain::Make());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 24; ++i) {
        const Chain& chain = chains[(t + i) % chains.size()];
        const Chain& other = chains[(t + i + 1) % chains.size()];
        EXPECT_TRUE(
            VerifyEvidence(chain.Document(), chain.Policy(), ForgeExpectation(), &cache).passed());
        EXPECT_FALSE(
            VerifyEvidence(other.Document(), chain.Policy(), ForgeExpectation(), &cache).passed());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.size(), 8U);
}

}  // namespace
}  // namespace sealfold
