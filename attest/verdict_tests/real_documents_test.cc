// Every fact of tests/data/README.md about the real attestation documents.
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "attest/claims_check.h"
#include "attest/nitro/aws_root.h"
#include "attest/nitro/document.h"
#include "attest/testing/every_way.h"
#include "attest/testing/vectors.h"
#include "attest/x509/certificate.h"

namespace sealfold {
namespace {

constexpr size_t kAbsent = SIZE_MAX;
constexpr uint8_t kMapOf9 = 0xa9;
constexpr uint8_t kMapIndefinite = 0xbf;

struct Facts {
  const char* file;
  size_t size_bytes;
  const char* time;
  const char* leaf_validity;
  bool signature_good;
  bool pcr0_set;
  uint8_t map_byte;
  size_t nonce, user_data, public_key;  // sizes
};

const Facts kNsmDocuments[] = {
    {"nsm-2022-10.cose", 4654, "2022-10-13T08:58:02.136Z",
     "2022-10-13T08:57:59Z to 2022-10-13T11:58:02Z", true, true, kMapOf9, 256, kAbsent, kAbsent},
    {"nsm-debug-2023-09.cose", 4748, "2023-09-18T15:03:30.860Z",
     "2023-09-18T14:37:09Z to 2023-09-18T17:37:12Z", true, false, kMapOf9, 256, 91, kAbsent},
    {"nsm-bad-signature-2024-07.cose", 4554, "2024-07-23T21:29:40.771Z",
     "2024-07-23T20:51:21Z to 2024-07-23T23:51:24Z", false, false, kMapOf9, 20, 68, 5},
    {"nsm-2025-12.cose", 4527, "2025-12-25T13:15:37.578Z",
     "2025-12-25T13:15:34Z to 2025-12-25T16:15:37Z", true, true, kMapIndefinite, kAbsent, 64,
     kAbsent},
};

size_t SizeOf(const std::optional<Bytes>& bytes) {
  return bytes.has_value() ? bytes->size() : kAbsent;
}

class NsmDocumentTest : public testing::TestWithParam<Facts> {};

TEST_P(NsmDocumentTest, HasTheFactsWrittenDown) {
  const Facts& facts = GetParam();
  Bytes bytes = ReadDocument(facts.file);
  EXPECT_EQ(bytes.size(), facts.size_bytes);
  auto document = ParseNitroDocument(bytes);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->payload[0], facts.map_byte);
  EXPECT_EQ(document->timestamp_ms, TimeMs(facts.time));
  EXPECT_EQ(document->registers.size(), 16U);
  for (const auto& [index, value] : document->registers) EXPECT_EQ(value.size(), 48U) << index;
  EXPECT_EQ(!IsAllZero(document->registers.at(0)), facts.pcr0_set);
  EXPECT_EQ(SizeOf(document->nonce), facts.nonce);
  EXPECT_EQ(SizeOf(document->user_data), facts.user_data);
  EXPECT_EQ(SizeOf(document->public_key), facts.public_key);

  auto leaf = Certificate::FromDer(document->certificate);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->Validity(), facts.leaf_validity);
}

TEST_P(NsmDocumentTest, IsJudgedByItsOwnTime) {
  const Facts& facts = GetParam();
  const uint64_t time_ms = TimeMs(facts.time);
  // A wrong but fit reference value, so that verification runs as far as the document lets it.
  Verdict verdict = VerifyEveryWay(ReadDocument(facts.file), NitroPolicy(Bytes(48, 1)),
                                   {.now_ms = time_ms + 1000});
  if (!facts.signature_good) {
    EXPECT_EQ(CheckNames(verdict), "platform format chain certificate_time !signature");
    EXPECT_TRUE(verdict.claims.registers.empty());
    return;
  }
  EXPECT_EQ(CheckNames(verdict), facts.pcr0_set
                                     ? "platform format chain certificate_time signature debug "
                                       "freshness !registers"
                                     : "platform format chain certificate_time signature !debug "
                                       "freshness !registers");
  EXPECT_EQ(verdict.claims.timestamp_ms, time_ms);
  EXPECT_EQ(verdict.claims.registers.size(), 16U);
}

INSTANTIATE_TEST_SUITE_P(Real, NsmDocumentTest, testing::ValuesIn(kNsmDocuments),
                         [](const auto& tested) {
                           std::string name;
                           for (const char* c = tested.param.file; *c != '.'; ++c) {
                             if (*c != '-') name.push_back(*c);
                           }
                           return name;
                         });

TEST(RealDocumentTest, GoodOnesPassWithTheirOwnRegisters) {
  Verdict old = VerifyEveryWay(ReadDocument("nsm-2022-10.cose"), NitroPolicy(Pcr0Of2022()),
                               {.now_ms = TimeMs("2022-10-13T08:58:10Z")});
  EXPECT_TRUE(old.passed()) << old.status();
  EXPECT_TRUE(old.status().ok());
  EXPECT_EQ(old.claims.platform, "aws-nitro");
  EXPECT_EQ(old.claims.module_id, "i-020b6af9246d90e92-enc0183d09086c24190");
  EXPECT_EQ(old.caveat, "");

  Verdict recent = VerifyEveryWay(ReadDocument("nsm-2025-12.cose"), NitroPolicy(Pcr0Of2025()),
                                  {.now_ms = TimeMs("2025-12-25T13:15:40Z")});
  EXPECT_TRUE(recent.passed()) << recent.status();
  EXPECT_EQ(recent.claims.module_id, "i-0827e799ec9232d44-enc019b55a68bd2ed4b");
}

TEST(RealDocumentTest, ADocumentOfANitroTpmIsAnotherPlatforms) {
  Verdict verdict = VerifyEveryWay(ReadDocument("nitrotpm-2026-02.cose"), NitroPolicy(Bytes(48, 1)),
                                   {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict), "platform !format");
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "format").expected, "pcrs"));
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "format").found, "NitroTPM"))
      << FindCheck(verdict, "format").found;
}

TEST(RealDocumentTest, TheBuiltInRootIsTheOneThatAwsPublishes) {
  auto file = Certificate::FromPem(ReadTestData("attestation/aws-nitro-root-g1.pem"));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(AwsNitroRoot().der(), file->der());
  EXPECT_EQ(AwsNitroRoot().Fingerprint(),
            "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b");
  EXPECT_EQ(AwsNitroRoot().Fingerprint(), kAwsNitroRootFingerprint);
}

}  // namespace
}  // namespace sealfold
