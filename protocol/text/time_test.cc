#include "protocol/text/time.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

TEST(Time, IsWrittenInUtc) {
  EXPECT_EQ(TimeTextOfSeconds(1'780'315'200), "2026-06-01T12:00:00Z");
  EXPECT_EQ(TimeTextOfMillis(1'780'315'200'250), "2026-06-01T12:00:00.250Z");
  EXPECT_EQ(TimeTextOfMillis(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(TimeTextOfSeconds(-1), "1969-12-31T23:59:59Z");
}

TEST(Time, IsReadInAnyZone) {
  EXPECT_EQ(ParseTimeMillis("2026-06-01T12:00:00Z"), 1'780'315'200'000);
  EXPECT_EQ(ParseTimeMillis("2026-06-01T14:00:00.2509+02:00"), 1'780'315'200'250);
  EXPECT_EQ(ParseTimeMillis(TimeTextOfMillis(1'780'315'200'007)), 1'780'315'200'007);
  EXPECT_EQ(ParseTimeMillis("1970-01-01T00:00:00Z"), 0);
}

TEST(Time, OtherTextIsNone) {
  for (const char* text : {"", "soon", "2026-06-01", "2026-06-01T12:00:00", "2026-13-01T12:00:00Z",
                           "2026-06-01T12:00:00Z tomorrow", "infinite-future", "infinite-past",
                           "1969-12-31T23:59:59Z"}) {
    EXPECT_FALSE(ParseTimeMillis(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sealfold
