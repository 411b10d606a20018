#include "aggregator/core/publish/part_tags.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

class PartTagsTest : public ::testing::TestWithParam<AeadId> {
 protected:
  PartTagsTest() : key(AeadKeySize(GetParam()), 7) {}
  Bytes key;
};

TEST_P(PartTagsTest, KnowsEachPartAgainAndNoOther) {
  PartTags tags(Aead::Make(GetParam(), key));
  const Bytes a(100'000, 1);
  const Bytes b(17, 2);
  tags.Add(a);
  tags.Add(b);
  EXPECT_TRUE(tags.Same(0, a));
  EXPECT_TRUE(tags.Same(1, b));
  EXPECT_FALSE(tags.Same(0, b));
  EXPECT_FALSE(tags.Same(1, a));
  for (const size_t byte : {size_t{0}, size_t{4'095}, a.size() / 2, a.size() - 1}) {
    Bytes other = a;
    other[byte] ^= 0x80;
    EXPECT_FALSE(tags.Same(0, other)) << byte;
  }
  EXPECT_FALSE(tags.Same(0, ByteSpan(a).first(a.size() - 1)));
  Bytes longer = b;
  longer.push_back(0);
  EXPECT_FALSE(tags.Same(1, longer));
  tags.Clear();
  tags.Add(b);
  EXPECT_TRUE(tags.Same(0, b));
}

INSTANTIATE_TEST_SUITE_P(Aeads, PartTagsTest,
                         ::testing::Values(AeadId::kAes256Gcm, AeadId::kChaCha20Poly1305));

}  // namespace
}  // namespace sealfold
