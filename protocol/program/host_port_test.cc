#include "protocol/program/host_port.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

TEST(HostPortTest, NamesAndAddressesAreRead) {
  const auto read = [](absl::string_view text) {
    const absl::StatusOr<HostPort> found = ParseHostPort(text, "address");
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? std::pair(found->host, found->port) : std::pair(std::string(), -1);
  };
  EXPECT_EQ(read("127.0.0.1:8443"), std::pair(std::string("127.0.0.1"), 8443));
  EXPECT_EQ(read("keys.example.org:1"), std::pair(std::string("keys.example.org"), 1));
  EXPECT_EQ(read("[::1]:65535"), std::pair(std::string("::1"), 65535));
}

TEST(HostPortTest, WhatIsNoneIsRefused) {
  for (const absl::string_view text :
       {"", ":", "host", "host:", ":8443", "host:0", "host:65536", "host:99999999999", "host:-1",
        "host:+1", "host: 1", "host:1 ", "host:http", "::1:8443", "[]:8443", "[::1]", "[host]:1"}) {
    const absl::Status status = ParseHostPort(text, "--listen").status();
    EXPECT_EQ(ErrorCode(status), "endpoint_invalid") << text;
    EXPECT_EQ(Explain(status).what, "--listen");
  }
}

TEST(HostPortTest, PortZeroIsForWhoTakesAny) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:0", "--listen", 0)->port, 0);
}

}  // namespace
}  // namespace sealfold
