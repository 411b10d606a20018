// Invariant 6: untrusted bytes reach only parsers that are bounded, strict and fuzzed; own messages
// are deterministic CBOR and are refused when re-encoding differs.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;

// The same data in another encoding: the map's head with a longer length.
Bytes WithLongHead(const Bytes& message) {
  EXPECT_EQ(message[0] & 0xe0, 0xa0);
  EXPECT_LT(message[0] & 0x1f, 24);
  Bytes out = {0xb8, static_cast<uint8_t>(message[0] & 0x1f)};
  out.insert(out.end(), message.begin() + 1, message.end());
  return out;
}

// The same map with its first entry moved to the end.
Bytes WithOtherOrder(const Bytes& message) {
  const cbor::Value value = *cbor::ParseDeterministic(message);
  const auto& first = value.as_map()->front();
  Bytes entry = cbor::Encode(first.first);
  Append(entry, cbor::Encode(first.second));
  Bytes out = {message[0]};
  out.insert(out.end(), message.begin() + 1 + static_cast<ptrdiff_t>(entry.size()), message.end());
  Append(out, entry);
  return out;
}

class StrictParsersTest : public ::testing::Test {
 protected:
  std::vector<Message> GoodMessages() {
    SampleSender sender(run_, 0, host_.GetOffer(0), run_.MakeUpdate(1), {});
    return {host_.HelloOf(0), host_.QueryOf(0), sender.begin(), sender.chunk(0)};
  }
  SampleRun run_ = SampleRun::Make();
  SampleHost host_{run_};
};

TEST_F(StrictParsersTest, OtherEncodingsOfAGoodMessageAreRefused) {
  for (const Message& good : GoodMessages()) {
    for (const Bytes& other : {WithLongHead(good.head), WithOtherOrder(good.head)}) {
      SampleHost host(run_);
      EXPECT_EQ(host.Code(0, {.head = other, .bulk = good.bulk}), "cbor_not_deterministic")
          << testing::TypeOf(good);
    }
  }
}

TEST_F(StrictParsersTest, MessagesBeyondTheirBoundsAreRefusedUnread) {
  for (Message message : GoodMessages()) {
    testing::ChangeBulk(message, [](Bytes& bulk) { bulk.resize(kMessageBulkBytesMax + 1); });
    EXPECT_NE(host_.Code(0, message), "");
  }
  Message message{.head = Bytes(kMessageHeadBytesMax + 1, 0x80), .bulk = {}};
  EXPECT_NE(host_.Code(0, message), "");
}

TEST_F(StrictParsersTest, NestingAndLengthsThatLieCostNothing) {
  Bytes bomb(10'000, 0x81);
  EXPECT_EQ(ErrorCode(cbor::ParseTolerant(bomb).status()), "cbor_too_deep");
  for (const char* hex :
       {"9b7fffffffffffffff", "bb7fffffffffffffff", "5b7fffffffffffffff", "7b7fffffffffffffff"}) {
    EXPECT_EQ(ErrorCode(cbor::ParseTolerant(*HexDecode(hex)).status()), "cbor_truncated");
  }
}

TEST_F(StrictParsersTest, RandomBytesNeverChangeTheSum) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 rng(seed);
  const Digest before = host_.round->SumFingerprint();
  const std::vector<Message> good = GoodMessages();
  for (int i = 0; i < 2000; ++i) {
    Message message = good[rng() % good.size()];
    for (uint64_t n = rng() % 4 + 1; n > 0; --n)
      message.head[rng() % message.head.size()] = static_cast<uint8_t>(rng());
    host_.Say(0, message);
  }
  EXPECT_EQ(host_.round->SumFingerprint(), before);
}

// Each folder that parses untrusted bytes has its target; `./run fuzz` runs them.
TEST_F(StrictParsersTest, EveryParserHasAFuzzTarget) {
  for (const char* name : {"cbor",
                           "messages",
                           "signed_objects",
                           "cose_sign1",
                           "merkle_proof",
                           "safetensors",
                           "key_file",
                           "plan_json",
                           "policy_json",
                           "nitro_document",
                           "nsm_request",
                           "nsm_response",
                           "eif",
                           "uki",
                           "disk",
                           "release",
                           "event_log",
                           "tpm_evidence",
                           "tpm_structures",
                           "certificate",
                           "revocation_list",
                           "recipient_key",
                           "sigv4",
                           "kms_request",
                           "round_message",
                           "client_messages",
                           "sealed_data",
                           "http_reply",
                           "sealed_state",
                           "store_seal"}) {
    EXPECT_TRUE(
        std::filesystem::exists(absl::StrCat(SEALFOLD_TEST_DATA, "/../fuzz/fuzz_", name, ".cc")))
        << name;
  }
}

}  // namespace
}  // namespace sealfold
