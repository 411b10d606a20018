#include "protocol/program/description.h"

#include <gtest/gtest.h>

#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

std::string Printed(const Description& description, bool json = false) {
  ::testing::internal::CaptureStdout();
  PrintDescription(Output(json), description);
  return ::testing::internal::GetCapturedStdout();
}

// A stranger's text neither steers the terminal nor looks like another line.
TEST(DescriptionTest, WhatAFileSaysStaysInItsLine) {
  const std::string evil = "i-1\x1b[2J\x1b[31mACCEPTED\n\u009B0m\xFF";
  const std::string shown = "i-1?[2J?[31mACCEPTED ?0m?";
  EXPECT_EQ(Printed({"file", "About", {{"one", evil, "meaning"}}}),
            "About\n  one  " + shown + "  (meaning)\n");
  const std::string many = Printed({"file",
                                    "About",
                                    {{"list", nlohmann::ordered_json::array({evil, evil}), "each"},
                                     {"map", {{evil, evil}}, "keys too"}}});
  EXPECT_EQ(many, "About\n  list  (each)\n      " + shown + "\n      " + shown +
                      "\n  map   (keys too)\n      " + shown + " " + shown + "\n");
}

TEST(DescriptionTest, JsonHasTheTextItself) {
  const auto json =
      nlohmann::json::parse(Printed({"file", "About", {{"one", "a\x1b\n", "meaning"}}}, true));
  EXPECT_EQ(json["fields"]["one"], "a\x1b\n");
}

TEST(DescriptionTest, JsonHasNoControlCharacterAsItIs) {
  const std::string text = "\u007F\u0080\u009B\u009F\u00A0\u00F6\u00C2";
  const std::string printed = Printed({"file", "About", {{"one", text, "meaning"}}}, true);
  EXPECT_EQ(nlohmann::json::parse(printed)["fields"]["one"], text);
  EXPECT_EQ(printed.find("\u009B"), std::string::npos);
  EXPECT_FALSE(HasControlCharacter(printed.substr(0, printed.size() - 1)));
}

TEST(DescriptionTest, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(Shorten("123456789", 8), "12345...");
  EXPECT_EQ(Shorten("1234\u00F6\u00F6\u00F6", 8), "1234...");
  EXPECT_EQ(Shorten("12345678", 8), "12345678");
}

}  // namespace
}  // namespace sealfold
