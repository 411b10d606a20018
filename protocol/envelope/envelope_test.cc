#include "protocol/envelope/envelope.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::CoordinatorKey;
using testing::ExamplePlan;
using testing::ParticipantKey;
using testing::ParticipantModelKey;
using testing::SeedOf;

class EnvelopeTest : public ::testing::Test {
 protected:
  EnvelopeTest() {
    header_.plan = plan_.digest;
    header_.round = Round(2);
    header_.attempt = Attempt(1);
    header_.participant = ParticipantKey(0).public_key();
    header_.sequence = 1;
    header_.payload_bytes = plan_.plan.payload_layout().size_bytes;
    payload_.resize(header_.payload_bytes);
    for (size_t i = 0; i < payload_.size(); ++i)
      payload_[i] = static_cast<uint8_t>(i * 7 + i / 256);
  }

  EnvelopeSender Sender(uint8_t seed = 9) {
    return *EnvelopeSender::Make(plan_.plan, header_, recipient_.public_key(),
                                 {.weight = Weight(77), .model_key = {}}, ParticipantKey(0),
                                 SeedOf(seed));
  }
  ByteSpan Chunk(uint64_t i) const {
    return ByteSpan(payload_).subspan(i * plan_.plan.chunk_bytes,
                                      ChunkSizeBytes(payload_.size(), plan_.plan.chunk_bytes, i));
  }
  static Bytes Seal(EnvelopeSender& sender, uint64_t i, ByteSpan plain) {
    Bytes out(plain.size() + kAeadTagSize);
    sender.SealChunk(i, plain, absl::MakeSpan(out));
    return out;
  }
  absl::StatusOr<EnvelopeReceiver> Receiver(const EnvelopeSender& sender) const {
    SEALFOLD_ASSIGN_OR_RETURN(OpenedHeader opened, OpenEnvelopeHeader(sender.signed_header()));
    return EnvelopeReceiver::Make(plan_.plan, opened.header, recipient_, sender.sealed_head());
  }

  SignedPlan plan_ = SignPlan(ExamplePlan(), CoordinatorKey());
  HpkeKeyPair recipient_ = HpkeKeyPair::Derive(SeedOf(5));
  EnvelopeHeader header_;
  Bytes payload_;
};

TEST_F(EnvelopeTest, ChunksArithmetic) {
  EXPECT_EQ(ChunkCount(1, 4096), 1u);
  EXPECT_EQ(ChunkCount(4096, 4096), 1u);
  EXPECT_EQ(ChunkCount(4097, 4096), 2u);
  EXPECT_EQ(ChunkSizeBytes(4097, 4096, 0), 4096u);
  EXPECT_EQ(ChunkSizeBytes(4097, 4096, 1), 1u);
  EXPECT_EQ(ChunkSizeBytes(8192, 4096, 1), 4096u);
}

TEST_F(EnvelopeTest, OpensToWhatWasSealed) {
  EnvelopeSender sender = Sender();
  absl::StatusOr<EnvelopeReceiver> receiver = Receiver(sender);
  ASSERT_TRUE(receiver.ok()) << receiver.status();
  EXPECT_EQ(receiver->head().weight, Weight(77));
  EXPECT_TRUE(receiver->head().model_key.empty());
  ASSERT_EQ(receiver->chunk_count(), 9u);
  for (uint64_t i = 0; i < 9; ++i) {
    Bytes out(Chunk(i).size());
    ASSERT_TRUE(receiver->OpenChunk(i, Seal(sender, i, Chunk(i)), absl::MakeSpan(out)).ok());
    EXPECT_EQ(ByteSpan(out), Chunk(i));
  }
}

TEST_F(EnvelopeTest, AChunkOpensOnlyInItsOwnPlace) {
  EnvelopeSender sender = Sender();
  EnvelopeReceiver receiver = *Receiver(sender);
  Bytes sealed = Seal(sender, 3, Chunk(3));
  for (uint64_t i = 0; i < 8; ++i) {
    Bytes out(Chunk(i).size());
    EXPECT_EQ(receiver.OpenChunk(i, sealed, absl::MakeSpan(out)).ok(), i == 3) << i;
  }
  Bytes short_out(Chunk(3).size() - 1);
  EXPECT_EQ(ErrorCode(receiver.OpenChunk(3, sealed, absl::MakeSpan(short_out))), "chunk_length");
}

// The last chunk of a shorter update with the same bytes is not a chunk of a longer one.
TEST_F(EnvelopeTest, LastIsBound) {
  EnvelopeHeader longer = header_;
  header_.payload_bytes = 2 * plan_.plan.chunk_bytes;
  EnvelopeSender sender = Sender();
  Bytes sealed = Seal(sender, 1, Chunk(1));
  OpenedHeader opened = *OpenEnvelopeHeader(sender.signed_header());
  opened.header.payload_bytes = longer.payload_bytes;
  EXPECT_FALSE(
      EnvelopeReceiver::Make(plan_.plan, opened.header, recipient_, sender.sealed_head()).ok());
}

TEST_F(EnvelopeTest, EveryFieldOfTheHeaderIsBoundToEveryMessage) {
  EnvelopeSender sender = Sender();
  const EnvelopeHeader good = OpenEnvelopeHeader(sender.signed_header())->header;
  ASSERT_TRUE(EnvelopeReceiver::Make(plan_.plan, good, recipient_, sender.sealed_head()).ok());
  const std::vector<std::function<void(EnvelopeHeader&)>> kChanges = {
      [](EnvelopeHeader& h) { h.plan.data()[0] ^= 1; },
      [](EnvelopeHeader& h) { h.round = h.round.next(); },
      [](EnvelopeHeader& h) { h.attempt = h.attempt.next(); },
      [](EnvelopeHeader& h) { h.participant = ParticipantKey(1).public_key(); },
      [](EnvelopeHeader& h) { h.recipient.data()[31] ^= 1; },
      [](EnvelopeHeader& h) { h.sequence += 1; },
      [](EnvelopeHeader& h) { h.start += 1; },
      [](EnvelopeHeader& h) { h.continues = Digest(); },
      [](EnvelopeHeader& h) { h.payload_bytes -= 1; },
      [](EnvelopeHeader& h) { h.enc.data()[0] ^= 1; },
  };
  for (size_t i = 0; i < kChanges.size(); ++i) {
    EnvelopeHeader changed = good;
    kChanges[i](changed);
    EXPECT_FALSE(EnvelopeReceiver::Make(plan_.plan, changed, recipient_, sender.sealed_head()).ok())
        << i;
  }
  EXPECT_FALSE(
      EnvelopeReceiver::Make(plan_.plan, good, HpkeKeyPair::Derive(SeedOf(6)), sender.sealed_head())
          .ok());
}

TEST_F(EnvelopeTest, EveryFlipAndTruncationIsRefused) {
  EnvelopeSender sender = Sender();
  EnvelopeReceiver receiver = *Receiver(sender);
  const Bytes sealed = Seal(sender, 8, Chunk(8));
  Bytes out(Chunk(8).size());
  for (size_t i = 0; i < sealed.size(); ++i) {
    Bytes flipped = sealed;
    flipped[i] ^= 0x80;
    EXPECT_EQ(ErrorCode(receiver.OpenChunk(8, flipped, absl::MakeSpan(out))), "seal_broken");
    EXPECT_EQ(out, Bytes(out.size())) << "plaintext of a broken chunk is wiped";
    EXPECT_FALSE(receiver.OpenChunk(8, ByteSpan(sealed).first(i), absl::MakeSpan(out)).ok());
  }
  const Bytes& header = sender.signed_header();
  for (size_t i = 0; i < header.size(); ++i) {
    Bytes flipped = header;
    flipped[i] ^= 0x10;
    EXPECT_FALSE(OpenEnvelopeHeader(flipped).ok()) << i;
    EXPECT_FALSE(OpenEnvelopeHeader(ByteSpan(header).first(i)).ok()) << i;
  }
  const EnvelopeHeader opened = OpenEnvelopeHeader(header)->header;
  for (size_t i = 0; i < sender.sealed_head().size(); ++i) {
    Bytes flipped = sender.sealed_head();
    flipped[i] ^= 0x10;
    EXPECT_FALSE(EnvelopeReceiver::Make(plan_.plan, opened, recipient_, flipped).ok()) << i;
    EXPECT_FALSE(EnvelopeReceiver::Make(plan_.plan, opened, recipient_,
                                        ByteSpan(sender.sealed_head()).first(i))
                     .ok());
  }
}

TEST_F(EnvelopeTest, ASecondHeaderGoesOnWhereTheFirstStopped) {
  EnvelopeSender first = Sender(9);
  header_.sequence = 2;
  header_.start = 4;
  header_.continues = first.header_digest();
  EnvelopeSender second = Sender(10);
  EnvelopeReceiver receiver = *Receiver(second);
  Bytes out(Chunk(4).size());
  EXPECT_TRUE(receiver.OpenChunk(4, Seal(second, 4, Chunk(4)), absl::MakeSpan(out)).ok());
  EXPECT_FALSE(receiver.OpenChunk(4, Seal(first, 4, Chunk(4)), absl::MakeSpan(out)).ok());
}

TEST_F(EnvelopeTest, SealingOneChunkTwiceIsABugThatStopsTheProgram) {
  EnvelopeSender sender = Sender();
  Seal(sender, 1, Chunk(1));
  EXPECT_DEATH(Seal(sender, 1, Chunk(1)), "internal error");
}

TEST_F(EnvelopeTest, ASealedModelAndItsKeyReachParticipantsOnly) {
  const Bytes model(10'000, 42);
  const Secret key = SeedOf(77);
  SealedModel sealer(plan_, Round(1), key.span(), model.size());
  ASSERT_EQ(sealer.chunk_count(), 3u);
  Bytes file;
  for (uint64_t i = 0; i < 3; ++i) {
    Bytes chunk(sealer.chunk_size_bytes(i) + kAeadTagSize);
    sealer.SealChunk(i, ByteSpan(model).subspan(i * 4096, sealer.chunk_size_bytes(i)),
                     absl::MakeSpan(chunk));
    Append(file, chunk);
  }
  EXPECT_EQ(file.size(), SealedModelSizeBytes(model.size(), 4096));
  absl::StatusOr<WrappedModelKey> wrapped =
      WrapModelKey(plan_, Round(1), plan_.plan.participants[1], key.span(), SeedOf(3));
  ASSERT_TRUE(wrapped.ok());
  EXPECT_FALSE(UnwrapModelKey(plan_, Round(1), *wrapped, ParticipantModelKey(0)).ok());
  EXPECT_FALSE(UnwrapModelKey(plan_, Round(2), *wrapped, ParticipantModelKey(1)).ok());
  absl::StatusOr<Secret> unwrapped =
      UnwrapModelKey(plan_, Round(1), *wrapped, ParticipantModelKey(1));
  ASSERT_TRUE(unwrapped.ok());
  EXPECT_EQ(ModelKeyCommitment(unwrapped->span()), ModelKeyCommitment(key.span()));
  SealedModel opener(plan_, Round(1), unwrapped->span(), model.size());
  Bytes out(opener.chunk_size_bytes(2));
  ASSERT_TRUE(
      opener.OpenChunk(2, ByteSpan(file).subspan(2 * (4096 + kAeadTagSize)), absl::MakeSpan(out))
          .ok());
  EXPECT_EQ(out, Bytes(model.size() - 8192, 42));
  SealedModel other_round(plan_, Round(2), unwrapped->span(), model.size());
  EXPECT_FALSE(
      other_round
          .OpenChunk(2, ByteSpan(file).subspan(2 * (4096 + kAeadTagSize)), absl::MakeSpan(out))
          .ok());
}

}  // namespace
}  // namespace sealfold
