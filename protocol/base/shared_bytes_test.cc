#include "protocol/base/shared_bytes.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

TEST(SharedBytesTest, APartOutlivesTheWhole) {
  SharedBytes whole(Bytes{1, 2, 3, 4, 5});
  const SharedBytes part = whole.Part(1, 3);
  whole = {};
  EXPECT_EQ(part, SharedBytes(Bytes{2, 3, 4}));
  EXPECT_TRUE(part.Part(3, 0).empty());
  EXPECT_DEATH((void)part.Part(1, 3), "internal error");
}

}  // namespace
}  // namespace sealfold
