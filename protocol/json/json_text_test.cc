#include "protocol/json/json_text.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

TEST(JsonTextTest, AnyBytesGiveAText) {
  EXPECT_EQ(JsonText(nlohmann::json{{"key_file", "k\xff.key"}}), "{\"key_file\":\"k\uFFFD.key\"}");
  EXPECT_EQ(JsonText(nlohmann::ordered_json{{"z", "\xc3"}, {"a", "\u00fc"}}),
            "{\"z\":\"\uFFFD\",\"a\":\"\u00fc\"}");
}

}  // namespace
}  // namespace sealfold
