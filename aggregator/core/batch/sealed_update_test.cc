#include "aggregator/core/batch/sealed_update.h"

#include <gtest/gtest.h>

#include "aggregator/core/testing/sealed_updates.h"

namespace sealfold {
namespace {

using testing::SampleRun;
using testing::SampleUpdate;
using testing::SealedPart;
using testing::SealFrom;

class SealedUpdateTest : public ::testing::Test {
 protected:
  Bytes OpenAll(const SealedUpdate& all) const {
    Bytes out(update.payload.size());
    for (uint64_t i = 0; i < all.next(); ++i) {
      const uint64_t size = ChunkSizeBytes(out.size(), run.plan.chunk_bytes, i);
      EXPECT_TRUE(all.Open(i, absl::MakeSpan(out).subspan(i * run.plan.chunk_bytes, size)).ok())
          << i;
    }
    return out;
  }
  static Digest TagsOf(const SealedUpdate& all) {
    Sha256Stream tags;
    for (uint64_t i = 0; i < all.next(); ++i) tags.Update(all.chunk(i).last(kAeadTagSize));
    return tags.Peek();
  }

  const SampleRun run = SampleRun::Make();
  const SampleUpdate update = run.MakeUpdate(3);
  SealedUpdate sealed{update.payload.size(), run.plan.chunk_bytes};
};

TEST_F(SealedUpdateTest, KeepsChunksAsTheyCameAndOpensThem) {
  SealedPart part = SealFrom(run, 0, update, 0);
  sealed.AddHeader(std::move(part.receiver));
  EXPECT_EQ(sealed.size_bytes(), SealedUpdateBytes(run.plan));
  EXPECT_EQ(sealed.weight(), update.weight);
  for (const Bytes& chunk : part.chunks) {
    EXPECT_FALSE(sealed.complete());
    EXPECT_EQ(sealed.chunk_size_bytes(sealed.next()), chunk.size());
    ASSERT_TRUE(sealed.Append(chunk).ok());
    EXPECT_EQ(sealed.chunk(sealed.next() - 1), ByteSpan(chunk));
  }
  EXPECT_TRUE(sealed.complete());
  EXPECT_EQ(OpenAll(sealed), update.payload);
  EXPECT_EQ(sealed.tags(), TagsOf(sealed));
}

TEST_F(SealedUpdateTest, OnlyWholeChunksAreARun) {
  const uint64_t size = run.plan.chunk_bytes + kAeadTagSize;
  const uint64_t count = sealed.chunk_count();
  ASSERT_GE(count, 3u);
  ASSERT_NE(sealed.chunk_size_bytes(count - 1), size);
  for (uint64_t first = 0; first < count; ++first) {
    uint64_t bytes = 0;
    for (uint64_t end = first; end < count; ++end) {
      bytes += sealed.chunk_size_bytes(end);
      EXPECT_TRUE(sealed.IsRunFrom(first, bytes));
      EXPECT_FALSE(sealed.IsRunFrom(first, bytes - 1));
      EXPECT_FALSE(sealed.IsRunFrom(first, bytes + 1));
    }
    EXPECT_FALSE(sealed.IsRunFrom(first, 0));
    EXPECT_FALSE(sealed.IsRunFrom(first, (count - first) * size));
  }
}

TEST_F(SealedUpdateTest, EachChunkIsOpenedByTheHeaderItCameUnder) {
  const auto whole = testing::SealWhole(run, 0, update, {1, 3});
  EXPECT_EQ(whole->headers(), 3u);
  EXPECT_EQ(OpenAll(*whole), update.payload);
}

TEST_F(SealedUpdateTest, AHeaderThatOpenedNothingIsReplaced) {
  sealed.AddHeader(SealFrom(run, 0, update, 0).receiver);
  SealedPart part = SealFrom(run, 0, update, 0);
  sealed.AddHeader(std::move(part.receiver));
  EXPECT_EQ(sealed.headers(), 1u);
  ASSERT_TRUE(sealed.Append(part.chunks[0]).ok());
  OpenAll(sealed);
}

TEST_F(SealedUpdateTest, TellsWhetherTheNextChunkIsWhatWasSealed) {
  SealedPart part = SealFrom(run, 0, update, 0);
  sealed.AddHeader(std::move(part.receiver));
  Bytes scratch(run.plan.chunk_bytes);
  EXPECT_TRUE(sealed.CheckNext(part.chunks[0], absl::MakeSpan(scratch)).ok());
  EXPECT_EQ(sealed.next(), 0u);
  part.chunks[0][7] ^= 1;
  EXPECT_EQ(ErrorCode(sealed.CheckNext(part.chunks[0], absl::MakeSpan(scratch))), "seal_broken");
  EXPECT_EQ(ErrorCode(sealed.CheckNext(part.chunks[1], absl::MakeSpan(scratch))), "seal_broken");
}

TEST_F(SealedUpdateTest, TruncatedItGoesOnFromThere) {
  const auto whole = testing::SealWhole(run, 0, update, {2});
  // Within what the last header sealed: the same chunks may come again.
  const Bytes last = ToBytes(whole->chunk(4));
  whole->Truncate(4);
  EXPECT_TRUE(whole->header_covers_next());
  EXPECT_EQ(whole->tags(), TagsOf(*whole));
  ASSERT_TRUE(whole->Append(last).ok());
  EXPECT_EQ(OpenAll(*whole), update.payload);
  // To where it starts: so too.
  whole->Truncate(2);
  EXPECT_TRUE(whole->header_covers_next());
  EXPECT_EQ(whole->headers(), 2u);
  // Before that: only a new header can go on.
  whole->Truncate(1);
  EXPECT_EQ(whole->headers(), 1u);
  EXPECT_FALSE(whole->header_covers_next());
  EXPECT_EQ(whole->tags(), TagsOf(*whole));
  SealedPart rest = SealFrom(run, 0, update, 1);
  whole->AddHeader(std::move(rest.receiver));
  EXPECT_TRUE(whole->header_covers_next());
  for (const Bytes& chunk : rest.chunks) ASSERT_TRUE(whole->Append(chunk).ok());
  EXPECT_EQ(OpenAll(*whole), update.payload);
  EXPECT_EQ(whole->tags(), TagsOf(*whole));
  whole->Truncate(0);
  EXPECT_EQ(whole->next(), 0u);
}

}  // namespace
}  // namespace sealfold
