#include "aggregator/host/keys/name_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include <atomic>
#include <cstring>
#include <future>
#include <memory>
#include <string>

namespace sealfold {
namespace {

std::optional<std::vector<SocketAddress>> AnswerOf(NameLookup& lookup) {
  pollfd item = {.fd = lookup.fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&item, 1, 30'000), 1);
  return lookup.Take();
}

TEST(NameLookupTest, AnAddressIsFoundAsOne) {
  std::optional<NameLookup> lookup =
      NameLookup::Start({.host = "127.0.0.1", .port = 7300}, &ResolveName);
  ASSERT_TRUE(lookup.has_value());
  const std::optional<std::vector<SocketAddress>> found = AnswerOf(*lookup);
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), 1u);
  sockaddr_in address = {};
  ASSERT_EQ(found->front().size(), sizeof(address));
  std::memcpy(&address, found->front().data(), sizeof(address));
  EXPECT_EQ(address.sin_family, AF_INET);
  EXPECT_EQ(ntohs(address.sin_port), 7300);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), INADDR_LOOPBACK);
  EXPECT_FALSE(lookup->Take().has_value());
}

TEST(NameLookupTest, WhatIsNoNameHasNoAddress) {
  std::optional<NameLookup> lookup =
      NameLookup::Start({.host = std::string(300, 'a'), .port = 1}, &ResolveName);
  ASSERT_TRUE(lookup.has_value());
  EXPECT_EQ(AnswerOf(*lookup), std::vector<SocketAddress>());
}

TEST(NameLookupTest, NobodyWaitsForAResolver) {
  struct Gate {
    std::promise<void> open;
    std::promise<bool> passed;  // whether it was opened before the resolver gave up
  };
  const auto gate = std::make_shared<Gate>();
  std::optional<NameLookup> lookup = NameLookup::Start({}, [gate](const HostPort&) {
    const bool opened =
        gate->open.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    gate->passed.set_value(opened);
    return std::vector<SocketAddress>{{1}};
  });
  ASSERT_TRUE(lookup.has_value());
  EXPECT_FALSE(lookup->Take().has_value());
  lookup.reset();
  gate->open.set_value();
  EXPECT_TRUE(gate->passed.get_future().get());
}

}  // namespace
}  // namespace sealfold
