#include "protocol/base/error.h"

#include <gtest/gtest.h>

#include <string>

#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

TEST(ErrorTest, CarriesItsExplanation) {
  const absl::Status status = Refused({.code = "plan_quorum",
                                       .what = "quorum",
                                       .expected = "at least 3",
                                       .found = "2",
                                       .advice = "agree on another plan"});
  EXPECT_EQ(status.message(),
            "quorum: expected at least 3, found 2; agree on another plan [plan_quorum]");
  const Explanation told = Explain(About("file p", status));
  EXPECT_EQ(told.code, "plan_quorum");
  EXPECT_EQ(told.what, "file p: quorum");
  EXPECT_EQ(told.expected, "at least 3");
  EXPECT_EQ(told.found, "2");
  EXPECT_EQ(told.advice, "agree on another plan");
  EXPECT_EQ(ErrorCode(absl::OkStatus()), "");
}

// What a peer wrote may be shown on a terminal and sent on in a message.
TEST(ErrorTest, APeersTextsSteerNothing) {
  const std::string wild = "\r\x1b[2K\nok  receipt\x1f\xC3";
  const absl::Status made =
      PeerError({.code = wild, .what = wild, .expected = wild, .found = wild, .advice = wild});
  for (const absl::Status& status : {made, absl::InternalError(wild)}) {
    const Explanation told = Explain(status);
    for (const std::string* text :
         {&told.code, &told.what, &told.expected, &told.found, &told.advice}) {
      EXPECT_TRUE(IsUtf8(*text));
      EXPECT_FALSE(HasControlCharacter(*text)) << *text;
    }
    EXPECT_EQ(told.what, "??[2K ok  receipt??");
  }
  EXPECT_FALSE(HasControlCharacter(std::string(made.message())));
  EXPECT_LE(Explain(BadInput({.code = "long", .what = std::string(1 << 20, 'x')})).what.size(),
            4096u);
}

}  // namespace
}  // namespace sealfold
