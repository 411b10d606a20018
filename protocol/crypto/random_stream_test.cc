#include "protocol/crypto/random_stream.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

TEST(RandomStreamTest, IsTheKnownStreamOfAZeroKey) {
  // ChaCha20 with an all-zero key and nonce (RFC 8439, A.1, test vector 1).
  Bytes out(64);
  FillRandomStream(Secret(32), 0, absl::MakeSpan(out));
  EXPECT_EQ(HexEncode(out),
            "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
            "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
}

TEST(RandomStreamTest, AnotherStreamOrSeedGivesOtherBytes) {
  Secret seed(32);
  seed.mutable_span()[0] = 1;
  Bytes first(100), again(200), second(100), other(100);
  FillRandomStream(seed, 7, absl::MakeSpan(first));
  FillRandomStream(seed, 7, absl::MakeSpan(again));
  FillRandomStream(seed, 8, absl::MakeSpan(second));
  FillRandomStream(Secret(32), 7, absl::MakeSpan(other));
  again.resize(100);
  EXPECT_EQ(first, again);
  EXPECT_NE(first, second);
  EXPECT_NE(first, other);
}

}  // namespace
}  // namespace sealfold
