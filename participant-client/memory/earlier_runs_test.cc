#include "participant-client/memory/earlier_runs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "participant-client/memory/memory_store.h"
#include "participant-client/testing/world.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

class EarlierRunsTest : public ::testing::Test {
 protected:
  // What is remembered of a run whose last record is by `identity`.
  void Remember(const Digest& plan, const std::optional<SigningPublicKey>& identity) {
    auto store = MemoryStore::Open(folder_.path(), plan, world_.me().public_key());
    ASSERT_TRUE(store.ok()) << store.status();
    Memory memory = (*store)->memory();
    memory.seen = SeenRecord{.round = Round(2), .record = {}, .model = {}, .identity = identity};
    ASSERT_TRUE((*store)->Save(memory).ok());
  }
  bool Seen() const { return SeenInAnotherRun(folder_.path(), now_, identity_); }

  testing_world::World world_;
  TempDir folder_;
  const Digest now_ = Sha256(AsBytes("the run under way"));
  const Digest before_ = Sha256(AsBytes("a run before"));
  const SigningPublicKey identity_ = world_.identity->public_key();
};

TEST_F(EarlierRunsTest, AnIdentityIsKnownFromAnotherRun) {
  EXPECT_FALSE(Seen());
  Remember(before_, identity_);
  EXPECT_TRUE(Seen());
}

TEST_F(EarlierRunsTest, NotFromTheRunItselfNorFromOthersIdentities) {
  Remember(now_, identity_);
  Remember(before_, std::nullopt);
  Remember(Sha256(AsBytes("a third run")), world_.me().public_key());
  EXPECT_FALSE(Seen());
}

// A folder is read in any order, so there are many of each.
TEST_F(EarlierRunsTest, WhatCannotBeReadIsPassedOver) {
  const auto identity = [](uint8_t i) {
    return SigningKey::FromSeed(testing_world::SeedOf(i, "another")).public_key();
  };
  constexpr uint8_t kRuns = 16;
  ASSERT_TRUE(WriteFileAtomic(folder_.Path("releases.cbor"), "?").ok());
  for (uint8_t i = 0; i < kRuns; ++i) {
    const std::string broken = folder_.Path(absl::StrCat("plan-broken-", i));
    ASSERT_TRUE(std::filesystem::create_directories(folder_.Path(absl::StrCat("plan-none-", i))));
    ASSERT_TRUE(std::filesystem::create_directories(broken));
    ASSERT_TRUE(WriteFileAtomic(broken + "/memory.cbor", "?").ok());
    Remember(Sha256(AsBytes(absl::StrCat("run ", i))), identity(i));
  }
  EXPECT_FALSE(Seen());
  for (uint8_t i = 0; i < kRuns; ++i) {
    EXPECT_TRUE(SeenInAnotherRun(folder_.path(), now_, identity(i)));
  }
  EXPECT_FALSE(SeenInAnotherRun(folder_.Path("none"), now_, identity(0)));
}

}  // namespace
}  // namespace sealfold
