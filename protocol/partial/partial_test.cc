#include "protocol/partial/partial.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::ParticipantKey;
using testing::SeedOf;

class PartialTest : public ::testing::Test {
 protected:
  PartialTest() {
    header_.plan = Sha256(AsBytes("plan"));
    header_.round = Round(2);
    header_.attempt = Attempt(1);
    header_.leaf = Sha256(AsBytes("binding"));
    header_.updates = 3;
    header_.sum_bytes = 10'000;
    header_.step = 0x1p-40;
  }
  PartialSealer Seal() const {
    return *PartialSealer::Make(plan_, header_, root_.public_key(),
                                {.weight = Weight(700), .model_key = {}}, record_key_,
                                SeedOf(0x33));
  }
  absl::StatusOr<PartialOpener> Open(const PartialHeader& header, const PartialSealer& sealer) {
    return PartialOpener::Make(plan_, header, root_, sealer.sealed_head());
  }

  Plan plan_ = testing::ExamplePlan();
  HpkeKeyPair root_ = HpkeKeyPair::Derive(SeedOf(0x11));
  SigningKey record_key_ = SigningKey::FromSeed(SeedOf(0x22));
  PartialHeader header_;
};

TEST_F(PartialTest, OpensToWhatWasSealed) {
  PartialSealer sealer = Seal();
  const auto opened = OpenPartialHeader(sealer.signed_header());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->signer, record_key_.public_key());
  EXPECT_EQ(opened->header.recipient, Sha256(root_.public_key().span()));
  EXPECT_EQ(opened->header.step, header_.step);
  auto opener = Open(opened->header, sealer);
  ASSERT_TRUE(opener.ok()) << opener.status();
  EXPECT_EQ(opener->head().weight, Weight(700));
  ASSERT_EQ(opener->chunk_count(), 3u);
  for (uint64_t i = 0; i < 3; ++i) {
    const Bytes plain(ChunkSizeBytes(10'000, 4096, i), static_cast<uint8_t>(i + 1));
    Bytes sealed(plain.size() + kAeadTagSize);
    sealer.SealChunk(i, plain, absl::MakeSpan(sealed));
    Bytes out(plain.size());
    EXPECT_TRUE(opener->OpenChunk(i, sealed, absl::MakeSpan(out)).ok());
    EXPECT_EQ(out, plain);
    // Nowhere else, and nothing else.
    EXPECT_EQ(ErrorCode(opener->OpenChunk((i + 1) % 3, sealed, absl::MakeSpan(out))),
              "seal_broken");
    EXPECT_EQ(ErrorCode(opener->OpenChunk(i, ByteSpan(sealed).first(9), absl::MakeSpan(out))),
              "chunk_length");
    sealed[i] ^= 1;
    EXPECT_EQ(ErrorCode(opener->OpenChunk(i, sealed, absl::MakeSpan(out))), "seal_broken");
  }
}

TEST_F(PartialTest, EveryFieldOfTheHeaderBindsTheMessages) {
  const PartialSealer sealer = Seal();
  const PartialHeader right = OpenPartialHeader(sealer.signed_header())->header;
  ASSERT_TRUE(Open(right, sealer).ok());
  const std::vector<std::function<void(PartialHeader&)>> kChanges = {
      [](PartialHeader& h) { h.plan = {}; },
      [](PartialHeader& h) { h.round = Round(3); },
      [](PartialHeader& h) { h.attempt = Attempt(2); },
      [](PartialHeader& h) { h.leaf = {}; },
      [](PartialHeader& h) { h.recipient = {}; },
      [](PartialHeader& h) { h.log_root = Sha256({}); },
      [](PartialHeader& h) { h.updates = 4; },
      [](PartialHeader& h) { h.sum_bytes = 10'008; },
      [](PartialHeader& h) { h.step = 0x1p-41; },
      [](PartialHeader& h) { h.enc = HpkeKeyPair::Derive(SeedOf(0x44)).public_key(); }};
  for (size_t i = 0; i < kChanges.size(); ++i) {
    PartialHeader changed = right;
    kChanges[i](changed);
    EXPECT_EQ(ErrorCode(Open(changed, sealer).status()), "seal_broken") << i;
  }
  const HpkeKeyPair other = HpkeKeyPair::Derive(SeedOf(0x45));
  EXPECT_EQ(ErrorCode(PartialOpener::Make(plan_, right, other, sealer.sealed_head()).status()),
            "seal_broken");
}

TEST_F(PartialTest, AHeaderThatIsNotAsItWasSignedIsRefused) {
  const Bytes bytes = Seal().signed_header();
  for (size_t i = 0; i < bytes.size(); ++i) {
    Bytes flipped = bytes;
    flipped[i] ^= 0x01;
    EXPECT_FALSE(OpenPartialHeader(flipped).ok()) << i;
    EXPECT_FALSE(OpenPartialHeader(ByteSpan(bytes).first(i)).ok()) << i;
  }
}

TEST_F(PartialTest, TheLogComesBackAsItWasAndHasAnEnd) {
  std::vector<LogEntry> entries(300);
  for (size_t i = 0; i < entries.size(); ++i) {
    entries[i].round = Round(2);
    entries[i].index = i;
    entries[i].participant = ParticipantKey(static_cast<uint8_t>(i)).public_key();
  }
  const Bytes bytes = EncodePartialLog(entries);
  const auto decoded = DecodePartialLog(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, entries);
  EXPECT_EQ(LogRoot(*decoded), LogRoot(entries));
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(DecodePartialLog(longer).ok());
  EXPECT_TRUE(DecodePartialLog(EncodePartialLog({})).ok());
  entries.resize(65'535);
  EXPECT_TRUE(DecodePartialLog(EncodePartialLog(entries)).ok());
  entries.resize(65'536);
  EXPECT_FALSE(DecodePartialLog(EncodePartialLog(entries)).ok());
}

}  // namespace
}  // namespace sealfold
