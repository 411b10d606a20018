#include "attest/software/authority/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "attest/x509/chain.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'780'272'000'000;
constexpr uint64_t kHour_ms = 3'600'000;

mode_t ModeOf(const std::string& path) {
  struct stat file {};
  EXPECT_EQ(stat(path.c_str(), &file), 0);
  return file.st_mode & 0777;
}

// Of the chain from the root to the leaf, at a time.
absl::Status ChainAt(const Certificate& root, const Authority::Leaf& leaf, uint64_t time_ms) {
  std::vector<Certificate> intermediates;
  for (size_t i = 1; i < leaf.bundle.size(); ++i) {
    intermediates.push_back(Certificate::FromDer(leaf.bundle[i]).value());
  }
  return VerifyChain(root, intermediates, Certificate::FromDer(leaf.certificate).value(),
                     static_cast<int64_t>(time_ms / 1000));
}

TEST(AuthorityTest, KeepsItsRootAndHidesItsKey) {
  TempDir dir;
  const std::string state = dir.Path("state");
  auto first = Authority::Open(state, kNow_ms);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(ModeOf(state), 0700U);
  EXPECT_EQ(ModeOf(state + "/root.key"), 0600U);
  EXPECT_EQ(ReadFile(state + "/root.pem", 10000).value(), first->root().Pem());
  auto second = Authority::Open(state, kNow_ms + 1000 * kHour_ms);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->root().der(), first->root().der());

  auto other = Authority::Open(dir.Path("other"), kNow_ms);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(other->root().der(), first->root().der());
}

TEST(AuthorityTest, LeavesLiveThreeHoursAndAreRenewed) {
  TempDir dir;
  Authority authority = Authority::Open(dir.Path("state"), kNow_ms).value();
  const Authority::Leaf& leaf = authority.LeafAt(kNow_ms);
  const Bytes first = leaf.certificate;
  EXPECT_EQ(leaf.bundle.size(), 2U);
  EXPECT_EQ(leaf.bundle[0], authority.root().der());
  EXPECT_TRUE(ChainAt(authority.root(), leaf, kNow_ms).ok())
      << ChainAt(authority.root(), leaf, kNow_ms);
  EXPECT_EQ(leaf.not_after_ms - leaf.not_before_ms, 3 * kHour_ms);
  EXPECT_EQ(ErrorCode(ChainAt(authority.root(), leaf, kNow_ms + 3 * kHour_ms)), "certificate_time");

  EXPECT_EQ(authority.LeafAt(kNow_ms + 2 * kHour_ms).certificate, first);
  // Always valid at the time asked for: before it expires, long after, and after the clock went
  // back.
  for (uint64_t now_ms :
       {kNow_ms + 3 * kHour_ms - 60'000, kNow_ms + 100 * kHour_ms, kNow_ms - 10 * kHour_ms}) {
    const Authority::Leaf& renewed = authority.LeafAt(now_ms);
    EXPECT_NE(renewed.certificate, first);
    EXPECT_TRUE(ChainAt(authority.root(), renewed, now_ms).ok());
    EXPECT_TRUE(ChainAt(authority.root(), renewed, now_ms + 9 * 60'000).ok());
  }
}

TEST(AuthorityTest, RefusesFilesThatDoNotBelongTogether) {
  TempDir dir;
  const std::string state = dir.Path("state");
  ASSERT_TRUE(Authority::Open(state, kNow_ms).ok());
  ASSERT_TRUE(Authority::Open(dir.Path("other"), kNow_ms).ok());

  std::filesystem::copy_file(dir.Path("other/root.pem"), state + "/root.pem",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(ErrorCode(Authority::Open(state, kNow_ms).status()), "authority_key_other");

  ASSERT_TRUE(WriteFileAtomic(state + "/root.key", "not a key").ok());
  EXPECT_EQ(ErrorCode(Authority::Open(state, kNow_ms).status()), "key_malformed");

  std::filesystem::remove(state + "/root.key");
  EXPECT_EQ(ErrorCode(Authority::Open(state, kNow_ms).status()), "authority_key_missing");

  ASSERT_TRUE(WriteFileAtomic(dir.Path("file"), "").ok());
  EXPECT_FALSE(Authority::Open(dir.Path("file"), kNow_ms).ok());
  EXPECT_EQ(ErrorCode(Authority::Open(dir.Path("none/state"), kNow_ms).status()),
            "authority_directory");
}

TEST(AuthorityTest, MakesTheCertificateOfAKeyThatHasNoneYet) {
  TempDir dir;
  const std::string state = dir.Path("state");
  ASSERT_TRUE(Authority::Open(state, kNow_ms).ok());
  std::filesystem::remove(state + "/root.pem");  // as after a crash between the two files
  EXPECT_TRUE(Authority::Open(state, kNow_ms).ok());
}

}  // namespace
}  // namespace sealfold
