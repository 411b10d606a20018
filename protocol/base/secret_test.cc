#include "protocol/base/secret.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/random.h"
#include "protocol/base/secret_pool.h"
#include "protocol/crypto/hpke.h"
#include "protocol/testing/sanitized.h"

namespace sealfold {
namespace {

size_t Mappings() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) ++count;
  return count;
}

bool AllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

TEST(SecretTest, IsZeroWhenMadeAndOfItsSizeAtEverySize) {
  for (const size_t size : {0, 1, 12, 32, 47, 48, 49, 64, 176, 177, 1023, 1024, 1025, 70000}) {
    Secret secret(size);
    EXPECT_EQ(secret.size(), size);
    EXPECT_TRUE(AllZero(secret.span())) << size;
    std::fill(secret.mutable_span().begin(), secret.mutable_span().end(), uint8_t{0xa5});
    const Secret copy = Secret::CopyOf(secret.span());
    EXPECT_EQ(copy.span(), secret.span()) << size;
    secret.Erase();
    EXPECT_TRUE(secret.empty());
  }
}

TEST(SecretTest, TenThousandHpkeContextsAreFewMappings) {
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const HpkeKeyPair sender = HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize));
  const size_t before = Mappings();
  std::vector<HpkeContext> contexts;
  for (size_t i = 0; i < 10'000; ++i) {
    contexts.push_back(
        *HpkeContext::SetupReceiver(AeadId::kAes256Gcm, sender.public_key(), recipient, {}));
  }
  EXPECT_LT(Mappings() - before, 2'500u);
  contexts.clear();
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps mappings of its own";
  EXPECT_LT(Mappings(), before + 200) << "slabs are given back";
}

TEST(SecretPoolTest, AFreedCellIsWipedAndUsedAgain) {
  SecretPool pool(64);
  uint8_t* kept = pool.Allocate(8);  // keeps the slab
  uint8_t* data = pool.Allocate(32);
  std::fill_n(data, 32, uint8_t{0xa5});
  pool.Free(data, 32);
  EXPECT_TRUE(AllZero(ByteSpan(data, 64))) << "the canary is gone too";
  EXPECT_EQ(pool.Allocate(20), data);
  pool.Free(data, 20);
  pool.Free(kept, 8);
}

TEST(SecretPoolTest, SlabsComeAndGoButOne) {
  SecretPool pool(1088);
  const size_t per_slab = SecretPool::kSlabBytes / 1088;
  std::vector<uint8_t*> cells;
  for (size_t i = 0; i < 5 * per_slab; ++i) cells.push_back(pool.Allocate(1024));
  EXPECT_EQ(pool.slab_count(), 5u);
  for (const uint8_t* cell : cells) EXPECT_EQ(reinterpret_cast<uintptr_t>(cell) % 64, 0u);
  std::sort(cells.begin(), cells.end());
  EXPECT_EQ(std::adjacent_find(cells.begin(), cells.end()), cells.end());
  for (uint8_t* cell : cells) pool.Free(cell, 1024);
  EXPECT_EQ(pool.slab_count(), 1u);
}

TEST(SecretPoolTest, ThreadsShareIt) {
  std::vector<std::thread> threads;
  for (uint8_t t = 1; t <= 4; ++t) {
    threads.emplace_back([t] {
      for (size_t round = 0; round < 50; ++round) {
        std::vector<Secret> secrets;
        for (size_t i = 0; i < 100; ++i) {
          secrets.emplace_back(1 + (i * 37) % kPooledSecretBytesMax);
          std::fill(secrets.back().mutable_span().begin(), secrets.back().mutable_span().end(), t);
        }
        for (const Secret& secret : secrets)
          for (const uint8_t byte : secret.span()) ASSERT_EQ(byte, t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SecretDeathTest, AWriteBeyondTheEndIsSeenWhenTheOwnerGoes) {
  EXPECT_DEATH(
      {
        Secret secret(33);
        uint8_t* const beyond = secret.mutable_span().data() + secret.size();
        *beyond = static_cast<uint8_t>(*beyond ^ 1);
      },
      "Stands");
}

TEST(SecretDeathTest, AWriteAfterTheOwnerWentIsSeen) {
  EXPECT_DEATH(
      {
        const Secret keeps_the_slab(8);
        Secret secret(8);
        uint8_t* const data = secret.mutable_span().data();
        secret.Erase();
        *data = 1;
        const Secret next(8);
      },
      "sodium_is_zero");
}

}  // namespace
}  // namespace sealfold
