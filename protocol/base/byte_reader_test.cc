#include "protocol/base/byte_reader.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

constexpr uint8_t kBytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

TEST(ByteReaderTest, ReadsNumbersInEitherOrder) {
  ByteReader big(kBytes, ByteReader::Order::kBigEndian);
  EXPECT_EQ(big.U8(), 0x01u);
  EXPECT_EQ(big.U16(), 0x0203u);
  EXPECT_EQ(big.U32(), 0x04050607u);
  EXPECT_EQ(big.U64(), 0x08090a0b0c0d0e0fu);
  EXPECT_TRUE(big.ok());
  EXPECT_EQ(big.left(), 0u);
  ByteReader little(kBytes, ByteReader::Order::kLittleEndian);
  EXPECT_EQ(little.U8(), 0x01u);
  EXPECT_EQ(little.U16(), 0x0302u);
  EXPECT_EQ(little.U32(), 0x07060504u);
  EXPECT_EQ(little.U64(), 0x0f0e0d0c0b0a0908u);
  EXPECT_TRUE(little.ok());
}

TEST(ByteReaderTest, NothingIsReadBeyondTheEndAndNothingAfterwards) {
  ByteReader reader(kBytes, ByteReader::Order::kBigEndian);
  EXPECT_EQ(reader.Take(12).size(), 12u);
  EXPECT_EQ(reader.U32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.U8(), 0u);  // though there are three bytes left
  EXPECT_TRUE(reader.Take(0).empty());
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.left(), 3u);
  ByteReader whole(kBytes, ByteReader::Order::kBigEndian);
  EXPECT_TRUE(whole.Take(UINT64_MAX).empty());
  EXPECT_FALSE(whole.ok());
}

}  // namespace
}  // namespace sealfold
