#include "protocol/text/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace sealfold {
namespace {

// Encodes as RFC 3629's table does, surrogates and values above U+10FFFF too.
std::string Encoded(uint32_t c) {
  std::string out;
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((c >> shift) & 0x3F)));
  };
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (c >> 6)));
    tail(0);
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (c >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (c >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
  return out;
}

TEST(Utf8Test, EveryCodePointButSurrogatesIsAccepted) {
  for (uint32_t c = 0; c < 0x140000; ++c) {
    const bool scalar = c < 0x110000 && (c < 0xD800 || c > 0xDFFF);
    const std::string text = Encoded(c);
    ASSERT_EQ(IsUtf8("x" + text + "y"), scalar) << c;
    if (text.size() > 1) {
      ASSERT_FALSE(IsUtf8(text.substr(0, text.size() - 1))) << c;
      ASSERT_FALSE(IsUtf8(text.substr(1))) << c;
    }
    ASSERT_EQ(HasControlCharacter("x" + text + "y"), c < 0x20 || (c >= 0x7F && c < 0xA0)) << c;
  }
}

TEST(Utf8Test, OverlongFormsAreRefused) {
  for (const char* text :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xF8\x88\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(""));
}

TEST(Utf8Test, OneLineHasNothingThatSteersATerminal) {
  EXPECT_EQ(OneLine("w\u00F6rd, \u2713", 100), "w\u00F6rd, \u2713");
  EXPECT_EQ(OneLine("a\nb\r\x1b[2K\tc\x7F\u0085"
                    "d",
                    100),
            "a b??[2K?c??d");
  EXPECT_EQ(OneLine("\xC3(\xFF", 100), "?(?");
  EXPECT_EQ(OneLine("", 3), "");
  EXPECT_EQ(OneLine("12345678", 8), "12345678");
  EXPECT_EQ(OneLine("123456789", 8), "12345...");
  EXPECT_EQ(OneLine("1234\u00F6\u00F6\u00F6", 8), "1234...");
}

}  // namespace
}  // namespace sealfold
