#include "attest/keyclient/transport/http_reply.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kWhole[] =
    "HTTP/1.1 400 Bad Request\r\nserver: x\r\nContent-Length: 5\r\nx-amzn-requestid:\r\n\r\nhello";

TEST(HttpReplyTest, EveryPrefixWaitsForTheRest) {
  const absl::string_view whole = kWhole;
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(ParseHttpReply(whole.substr(0, size)).value(), std::nullopt) << size;
  }
  const std::optional<HttpReply> reply = ParseHttpReply(absl::StrCat(whole, "and more")).value();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(reply->body, "hello");
}

TEST(HttpReplyTest, WhatHasNoOneReadingIsRefused) {
  const std::string end = "\r\n\r\n";
  for (const std::string& head :
       {std::string("HTTP/1.0 200 OK\r\nContent-Length: 0"), std::string("HTTP/1.1 200 OK"),
        std::string("HTTP/1.1 100 Continue\r\nContent-Length: 0"),
        std::string("HTTP/1.1 2000 OK\r\nContent-Length: 0"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: -1"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 131072"),
        std::string("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0"), std::string("")}) {
    EXPECT_EQ(ErrorCode(ParseHttpReply(head + end).status()), "http_reply_malformed") << head;
  }
  EXPECT_EQ(ErrorCode(ParseHttpReply(std::string(kHttpReplySizeMax, 'x')).status()),
            "http_reply_malformed");
}

}  // namespace
}  // namespace sealfold
