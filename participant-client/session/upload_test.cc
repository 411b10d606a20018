#include "participant-client/session/upload.h"

#include <gtest/gtest.h>

#include "participant-client/testing/fakes.h"
#include "participant-client/testing/world.h"

namespace sealfold {
namespace {

using testing_world::PayloadInMemory;
using testing_world::SeedOf;
using testing_world::StoreInMemory;
using testing_world::World;

constexpr uint64_t kChunks = 40;  // the last one short

class UploadTest : public ::testing::Test {
 protected:
  UploadTest() {
    world_.ChangePlan([](Plan& plan) {
      plan.chunk_bytes = 4096;
      plan.tensors = {{.name = "a", .dtype = Dtype::kF32, .shape = {kChunks * 1024 - 7}}};
    });
    for (size_t i = 0; i < payload_.bytes.size(); ++i) payload_.bytes[i] = i * 7 + i / 251;
  }

  Upload Start(uint64_t start = 0) {
    const EnvelopeHeader header{.plan = world_.plan.digest,
                                .round = Round(1),
                                .attempt = Attempt(1),
                                .participant = world_.me().public_key(),
                                .recipient = {},
                                .sequence = 1,
                                .start = start,
                                .continues = start == 0 ? std::nullopt : std::optional(Digest()),
                                .payload_bytes = payload_.size_bytes(),
                                .enc = {}};
    return *Upload::Make(
        *EnvelopeSender::Make(world_.plan.plan, header, aggregator_.public_key(),
                              {.weight = Weight(1), .model_key = {}}, world_.me(), SeedOf(2, "e")),
        world_.me().public_key(), world_.plan.plan.chunk_bytes, start, payload_, store_);
  }

  static std::vector<Message> Advance(Upload& upload, uint64_t next, uint64_t credit, bool resend) {
    std::vector<Message> out;
    const absl::StatusOr<bool> known = upload.Advance(next, credit, resend, out);
    EXPECT_TRUE(known.ok() && *known);
    return out;
  }
  static uint64_t First(const Message& message) {
    return cbor::DecodeFields<Chunk>(message.head)->index;
  }
  // The chunks of `messages` as they are sealed, which follow one another from `first` on.
  static Bytes Sealed(const std::vector<Message>& messages, uint64_t first) {
    Bytes all;
    for (const Message& message : messages) {
      EXPECT_EQ(First(message), first + (all.size() + kSealed - 1) / kSealed);
      Append(all, ByteSpan(message.bulk));
    }
    return all;
  }

  static constexpr size_t kSealed = 4096 + kAeadTagSize;
  World world_;
  PayloadInMemory payload_{Bytes(kChunks * 4096 - 28)};
  StoreInMemory store_;
  HpkeKeyPair aggregator_ = HpkeKeyPair::Derive(SeedOf(1, "hpke"));
};

TEST_F(UploadTest, AMessageHasSeveralChunksButNoMoreThanAreAllowed) {
  Upload upload = Start();
  std::vector<Message> messages = Advance(upload, 0, 3, false);
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].bulk.size(), 3 * kSealed);
  messages = Advance(upload, 3, 2 * kMessageChunksMax + 1, false);
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].bulk.size(), kMessageChunksMax * kSealed);
  EXPECT_EQ(messages[2].bulk.size(), kSealed);
  EXPECT_EQ(Sealed(messages, 3).size(), (2 * kMessageChunksMax + 1) * kSealed);
  EXPECT_EQ(Advance(upload, 3, 2 * kMessageChunksMax + 1, false).size(), 0u);
}

TEST_F(UploadTest, AllOfItIsThePayloadAndItsTags) {
  Upload upload = Start();
  const Bytes all = Sealed(Advance(upload, 0, kChunks, false), 0);
  ASSERT_TRUE(upload.complete());
  ASSERT_EQ(all.size(), payload_.size_bytes() + kChunks * kAeadTagSize);
  Bytes tags;
  for (uint64_t i = 0; i < kChunks; ++i) {
    const ByteSpan rest = ByteSpan(all).subspan(i * kSealed);
    Append(tags, rest.first(std::min(rest.size(), kSealed)).last(kAeadTagSize));
  }
  EXPECT_EQ(upload.tags(), Sha256(tags));
  EXPECT_EQ(store_.tags, tags);
  // However the chunks are parted among messages, they are sealed alike.
  Upload again = Start();
  Bytes one_by_one;
  for (uint64_t i = 0; i < kChunks; ++i) {
    Append(one_by_one, Sealed(Advance(again, i, 1, false), i));
  }
  EXPECT_EQ(one_by_one, all);
}

// What was taken may end within a message: the rest of it goes out again, as it was sealed.
TEST_F(UploadTest, GoesOnWithinAMessage) {
  Upload upload = Start();
  const uint64_t sent = kMessageChunksMax + 2;
  const Bytes all = Sealed(Advance(upload, 0, sent, false), 0);
  for (uint64_t next = 0; next < sent; ++next) {
    const uint64_t credit = std::min<uint64_t>(sent - next, 1 + next % 4);
    const Bytes again = Sealed(Advance(upload, next, credit, true), next);
    EXPECT_EQ(ByteSpan(again), ByteSpan(all).subspan(next * kSealed, credit * kSealed)) << next;
  }
  // With more credit than that the new ones follow.
  const Bytes rest = Sealed(Advance(upload, sent - 1, 3, true), sent - 1);
  EXPECT_EQ(rest.size(), 3 * kSealed);
  EXPECT_EQ(ByteSpan(rest).first(kSealed), ByteSpan(all).last(kSealed));
  EXPECT_EQ(upload.sealed(), sent + 2);
}

TEST_F(UploadTest, WhatWasNeverSealedIsNotKnown) {
  Upload upload = Start();
  Advance(upload, 0, 2, false);
  std::vector<Message> out;
  EXPECT_FALSE(*upload.Advance(3, 1, true, out));
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace sealfold
