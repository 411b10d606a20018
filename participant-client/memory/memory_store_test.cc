#include "participant-client/memory/memory_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "participant-client/testing/world.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using testing_world::World;

class MemoryStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<MemoryStore>> Open() {
    return MemoryStore::Open(folder_.path(), world_.plan.digest, world_.me().public_key());
  }
  Memory Filled() const {
    Memory memory = world_.EmptyMemory();
    memory.seen = SeenRecord{.round = Round(4),
                             .record = Sha256(AsBytes("r")),
                             .model = Sha256(AsBytes("m")),
                             .identity = world_.identity->public_key()};
    memory.entered = EnteredAttempt{
        .round = Round(5),
        .attempt = Attempt(2),
        .hpke_key = Sha256(AsBytes("k")),
        .update = {.path = "/u", .size_bytes = 3, .modified_ns = 4, .weight = Weight(5)},
        .sequence = 6,
        .headers = {Sha256(AsBytes("h1")), Sha256(AsBytes("h2"))},
        .receipt = Bytes{1, 2, 3}};
    return memory;
  }

  World world_;
  TempDir folder_;
};

TEST_F(MemoryStoreTest, RemembersAcrossProcesses) {
  {
    auto store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    EXPECT_EQ((*store)->memory(), world_.EmptyMemory());
    ASSERT_TRUE((*store)->Save(Filled()).ok());
  }
  auto store = Open();
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ((*store)->memory(), Filled());
}

// A new plan has a new memory, but not of releases: a host cannot go back to an older one by it.
TEST_F(MemoryStoreTest, ReleasesAreRememberedOverRuns) {
  const SigningPublicKey me = world_.me().public_key();
  const auto open = [&](const char* plan, const std::string& subject) {
    return MemoryStore::Open(folder_.path(), Sha256(AsBytes(plan)), me, subject);
  };
  const auto sealed_to = [&](MemoryStore& store, uint64_t version) {
    Memory memory = store.memory();
    memory.release_version = version;
    return store.Save(memory);
  };
  auto meanwhile = open("meanwhile", "aggregator");
  {
    auto first = open("first", "aggregator");
    ASSERT_TRUE(first.ok()) << first.status();
    EXPECT_EQ((*first)->memory().release_version, std::nullopt);
    ASSERT_TRUE(sealed_to(**first, 7).ok());
  }
  auto second = open("second", "aggregator");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*second)->memory().release_version, 7u);
  CheckList checks;
  CheckReleaseVersion((*second)->memory(), 6, checks);
  EXPECT_EQ(ErrorCode(checks.status()), "offer_release_old");
  EXPECT_EQ(open("third", "another program").value()->memory().release_version, std::nullopt);
  EXPECT_EQ(open("third", "").value()->memory().release_version, std::nullopt);

  // Another process that was at work all the while.
  EXPECT_EQ(ErrorCode(sealed_to(**meanwhile, 6)), "offer_release_old");
  EXPECT_EQ((*meanwhile)->memory().release_version, std::nullopt);
  EXPECT_TRUE(sealed_to(**meanwhile, 8).ok());
  EXPECT_EQ(open("fourth", "aggregator").value()->memory().release_version, 8u);
}

TEST_F(MemoryStoreTest, ABrokenMemoryOfReleasesIsNotBegunAnew) {
  ASSERT_TRUE(WriteFileAtomic(folder_.Path("releases.cbor"), "x").ok());
  const auto store =
      MemoryStore::Open(folder_.path(), world_.plan.digest, world_.me().public_key(), "aggregator");
  EXPECT_EQ(ErrorCode(store.status()), "memory_broken");
}

TEST_F(MemoryStoreTest, IsForThisUserOnly) {
  auto store = Open();
  ASSERT_TRUE((*store)->Save(Filled()).ok());
  struct stat info = {};
  ASSERT_EQ(stat((*store)->Path("memory.cbor").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((*store)->folder().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(MemoryStoreTest, OneProcessAtATime) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  const pid_t child = fork();
  if (child == 0) _exit(ErrorCode(Open().status()) == "state_in_use" ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  store->reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(MemoryStoreTest, ADamagedMemoryIsNeverBegunAnew) {
  std::string path;
  {
    auto store = Open();
    ASSERT_TRUE((*store)->Save(Filled()).ok());
    path = (*store)->Path("memory.cbor");
  }
  const std::string good = *ReadFile(path, 1 << 20);
  for (size_t size = 0; size < good.size(); ++size) {
    ASSERT_TRUE(WriteFileAtomic(path, good.substr(0, size)).ok());
    ASSERT_EQ(ErrorCode(Open().status()), "memory_broken") << size;
  }
  EXPECT_EQ(*ReadFile(path, 1 << 20), good.substr(0, good.size() - 1));
}

TEST_F(MemoryStoreTest, AMemoryThatCannotBeLookedAtIsNotNone) {
  std::string path;
  {
    auto store = Open();
    ASSERT_TRUE((*store)->Save(Filled()).ok());
    path = (*store)->Path("memory.cbor");
  }
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_EQ(symlink(path.c_str(), path.c_str()), 0);  // leads to itself
  EXPECT_EQ(ErrorCode(Open().status()), "file_unusable");
}

TEST_F(MemoryStoreTest, TheMemoryOfAnotherKeyOrPlanIsRefused) {
  {
    auto store = Open();
    ASSERT_TRUE((*store)->Save(Filled()).ok());
  }
  auto other = MemoryStore::Open(folder_.path(), world_.plan.digest, world_.keys[1].public_key());
  EXPECT_EQ(ErrorCode(other.status()), "memory_broken");
  // Another plan has another folder, unless someone moved it there.
  Digest plan = world_.plan.digest;
  plan.mutable_span()[31] ^= 1;
  auto moved = MemoryStore::Open(folder_.path(), plan, world_.me().public_key());
  EXPECT_EQ(ErrorCode(moved.status()), "memory_broken");
}

TEST_F(MemoryStoreTest, KeepsTagsByTheirPlace) {
  auto store = Open();
  ASSERT_TRUE(store.ok());
  const Bytes first(2 * kAeadTagSize, 1);
  const Bytes second(kAeadTagSize, 2);
  ASSERT_TRUE((*store)->WriteTags(0, first).ok());
  ASSERT_TRUE((*store)->WriteTags(1, second).ok());
  Bytes out(2 * kAeadTagSize);
  ASSERT_TRUE((*store)->ReadTags(0, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[kAeadTagSize], 2);
  EXPECT_EQ(ErrorCode((*store)->ReadTags(1, absl::MakeSpan(out))), "tags_lost");
  ASSERT_TRUE((*store)->ClearTags().ok());
  EXPECT_EQ(ErrorCode((*store)->ReadTags(0, absl::MakeSpan(out))), "tags_lost");
}

TEST_F(MemoryStoreTest, AFolderThatCannotBeMadeIsExplained) {
  ASSERT_TRUE(WriteFileAtomic(folder_.Path("file"), "x").ok());
  auto store =
      MemoryStore::Open(folder_.Path("file"), world_.plan.digest, world_.me().public_key());
  EXPECT_EQ(ErrorCode(store.status()), "state_unusable");
}

}  // namespace
}  // namespace sealfold
