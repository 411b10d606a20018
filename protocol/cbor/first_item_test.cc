#include "protocol/cbor/first_item.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"

namespace sealfold::cbor {
namespace {

TEST(FirstItemTest, WhatFollowsIsNotLookedAt) {
  for (const Value& value : {Value::Unsigned(7), Value::OfBytes(Bytes(300, 1)),
                             Value::OfMap({{Value::Text("a"), Value::OfArray({Value()})}})}) {
    Bytes bytes = Encode(value);
    const size_t size = bytes.size();
    EXPECT_EQ(*FirstItemSize(bytes), size);
    bytes.resize(size + 5, 0xff);  // breaks, which begin no item
    EXPECT_EQ(*FirstItemSize(bytes), size);
  }
  EXPECT_EQ(*FirstItemSize(Bytes{0xbf, 0x61, 'a', 0x01, 0xff, 0xff}), 5u) << "an indefinite map";
}

TEST(FirstItemTest, TheItemItselfIsHeldToTheReadersRules) {
  EXPECT_EQ(ErrorCode(FirstItemSize({}).status()), "cbor_truncated");
  EXPECT_EQ(ErrorCode(FirstItemSize(Bytes{0x45, 1, 2}).status()), "cbor_truncated");
  EXPECT_EQ(ErrorCode(FirstItemSize(Bytes{0xd2, 0x01}).status()), "cbor_item_refused") << "a tag";
  EXPECT_EQ(ErrorCode(FirstItemSize(Bytes(3), {.size_bytes_max = 2}).status()), "cbor_too_large");
}

}  // namespace
}  // namespace sealfold::cbor
