#include "protocol/envelope/sealed_data.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/base/error.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::ParticipantKey;
using testing::SeedOf;

constexpr uint64_t kChunk = 4096;

class SealedDataTest : public ::testing::Test {
 protected:
  SealedDataTest() {
    for (size_t i = 0; i < data_.size(); ++i) data_[i] = static_cast<uint8_t>(i * 5 + i / 256);
    header_ = {.terms = Digest::From(Bytes(32, 7)).value(),
               .wrapped_key = Bytes(100, 3),
               .chunk_bytes = kChunk};
    file_ = SealData(data_, header_, key_.span(), ParticipantKey(0));
  }
  // Why `file` does not open.
  std::string Code(ByteSpan file, const Secret& key) const {
    const absl::StatusOr<SealedData> read = ReadSealedData(file);
    return ErrorCode(read.ok() ? read->Open(key.span()).status() : read.status());
  }
  size_t HeaderSize() const { return file_.size() - ReadSealedData(file_)->chunks.size(); }

  Bytes data_ = Bytes(2 * kChunk + 100);
  Secret key_ = SeedOf(8);
  SealedDataHeader header_;
  Bytes file_;
};

TEST_F(SealedDataTest, WhoHasTheKeyReadsItAndWhoseItIs) {
  const absl::StatusOr<SealedData> read = ReadSealedData(file_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->owner, ParticipantKey(0).public_key());
  EXPECT_EQ(read->header.terms, header_.terms);
  EXPECT_EQ(read->header.wrapped_key, header_.wrapped_key);
  EXPECT_EQ(read->Open(key_.span())->span(), ByteSpan(data_));
  EXPECT_EQ(std::search(file_.begin(), file_.end(), data_.begin() + 512, data_.begin() + 528),
            file_.end());
  EXPECT_EQ(Code(file_, SeedOf(9)), "seal_broken");
  EXPECT_EQ(Code(file_, Secret(16)), "data_key_length");
}

TEST_F(SealedDataTest, SizesAroundAChunk) {
  for (const size_t size : {size_t{1}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk}) {
    const ByteSpan data = ByteSpan(data_).first(size);
    const Bytes file = SealData(data, header_, key_.span(), ParticipantKey(0));
    EXPECT_EQ(ReadSealedData(file)->Open(key_.span())->span(), data) << size;
  }
}

TEST_F(SealedDataTest, EveryChangedByteIsSeen) {
  for (size_t at = 0; at < file_.size(); at += at < HeaderSize() + 8 ? 1 : 97) {
    Bytes changed = file_;
    changed[at] ^= 1;
    EXPECT_NE(Code(changed, key_), "") << at;
  }
}

TEST_F(SealedDataTest, ChunksKeepTheirPlaceAndNumber) {
  const size_t header = HeaderSize();
  const size_t sealed = kChunk + kAeadTagSize;
  Bytes swapped = file_;
  std::swap_ranges(swapped.begin() + static_cast<ptrdiff_t>(header),
                   swapped.begin() + static_cast<ptrdiff_t>(header + sealed),
                   swapped.begin() + static_cast<ptrdiff_t>(header + sealed));
  EXPECT_EQ(Code(swapped, key_), "seal_broken");
  EXPECT_EQ(Code(ByteSpan(file_).first(header + sealed), key_), "data_length");
  Bytes longer = file_;
  longer.push_back(0);
  EXPECT_EQ(Code(longer, key_), "data_length");
  // Another header's chunks, under the same key.
  SealedDataHeader other = header_;
  other.terms = Digest::From(Bytes(32, 8)).value();
  Bytes mixed = SealData(data_, other, key_.span(), ParticipantKey(0));
  std::copy(file_.begin() + static_cast<ptrdiff_t>(header), file_.end(),
            mixed.end() - static_cast<ptrdiff_t>(file_.size() - header));
  EXPECT_EQ(Code(mixed, key_), "seal_broken");
}

TEST_F(SealedDataTest, WhatIsNoneIsRefused) {
  EXPECT_EQ(Code({}, key_), "cbor_truncated");
  EXPECT_EQ(Code(Bytes(1 << 20, 0x81), key_), "cbor_too_deep");
  const Bytes lies = HexDecode("845b7fffffffffffffff").value();
  EXPECT_EQ(Code(lies, key_), "cbor_truncated");
}

TEST_F(SealedDataTest, TheKeysContextIsOwnerAndTerms) {
  const std::map<std::string, std::string> context =
      DataKeyContext(ParticipantKey(0).public_key(), header_.terms);
  EXPECT_EQ(context.size(), 2U);
  EXPECT_EQ(context.at("sealfold:terms"), header_.terms.hex());
  EXPECT_EQ(context.at("sealfold:owner"), ParticipantKey(0).public_key().hex());
}

}  // namespace
}  // namespace sealfold
