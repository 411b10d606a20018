// Every fact of tests/data/README.md about the real document of an EC2 instance's NitroTPM.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "attest/claims_check.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/testing/every_way.h"
#include "attest/testing/vectors.h"
#include "attest/x509/certificate.h"

namespace sealfold {
namespace {

constexpr char kFile[] = "nitrotpm-2026-02.cose";
constexpr char kMade[] = "2026-02-03T10:12:02.437Z";

TEST(RealNitroTpmDocumentTest, HasTheFactsWrittenDown) {
  const Bytes bytes = ReadDocument(kFile);
  EXPECT_EQ(bytes.size(), 4964U);
  auto document = ParseNitroDocument(bytes, kNitroTpmDocument);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->payload[0], 0xbf) << "a map of indefinite length";
  EXPECT_EQ(document->timestamp_ms, TimeMs(kMade));
  EXPECT_EQ(document->nonce->size(), 32U);
  EXPECT_FALSE(document->user_data.has_value());
  EXPECT_EQ(document->public_key->size(), 65U);
  auto leaf = Certificate::FromDer(document->certificate);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->Validity(), "2026-02-03T10:11:59Z to 2026-02-03T13:12:02Z");

  EXPECT_EQ(document->registers.size(), 24U);
  std::set<uint32_t> zero;
  std::set<uint32_t> ones;
  for (const auto& [index, value] : document->registers) {
    EXPECT_EQ(value.size(), 48U) << index;
    if (IsAllZero(value)) zero.insert(index);
    if (IsAllOnes(value)) ones.insert(index);
  }
  EXPECT_EQ(zero, (std::set<uint32_t>{11, 12, 13, 14, 15, 16, 23}));
  EXPECT_EQ(ones, (std::set<uint32_t>{17, 18, 19, 20, 21, 22}));
}

TEST(RealNitroTpmDocumentTest, PassesAtItsOwnTimeWithItsOwnRegisters) {
  Verdict verdict = VerifyEveryWay(ReadDocument(kFile), NitroTpmPolicy(),
                                   {.now_ms = TimeMs("2026-02-03T10:12:05Z")});
  EXPECT_EQ(CheckNames(verdict),
            "platform format chain certificate_time signature debug freshness registers");
  EXPECT_TRUE(verdict.passed()) << verdict.status();
  EXPECT_EQ(verdict.claims.platform, "aws-nitrotpm");
  EXPECT_TRUE(absl::StartsWith(verdict.claims.module_id, "i-")) << verdict.claims.module_id;
  EXPECT_EQ(verdict.claims.registers.size(), 24U);
  EXPECT_EQ(verdict.caveat, "");

  EXPECT_EQ(CheckNames(VerifyEveryWay(ReadDocument(kFile), NitroTpmPolicy(),
                                      {.now_ms = TimeMs("2026-02-03T10:18:00Z")})),
            "platform format chain certificate_time signature debug !freshness registers");
}

TEST(RealNitroTpmDocumentTest, AnotherBootLoaderIsRefused) {
  EvidencePolicy policy = NitroTpmPolicy();
  policy.reference_values[0].registers[4] = Bytes(48, 1);
  Verdict verdict = VerifyEveryWay(ReadDocument(kFile), policy, {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict),
            "platform format chain certificate_time signature debug !registers");
  EXPECT_TRUE(absl::StartsWith(FindCheck(verdict, "registers").found, "pcr4 = 1a1f166e"));
}

TEST(RealNitroTpmDocumentTest, AnEnclavesVerifierRefusesIt) {
  Verdict verdict =
      VerifyEveryWay(ReadDocument(kFile), NitroPolicy(Bytes(48, 1)), {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict), "platform !format");
}

TEST(RealNitroTpmDocumentTest, AnEnclavesDocumentIsRefused) {
  Verdict verdict = VerifyEveryWay(ReadDocument("nsm-2025-12.cose"), NitroTpmPolicy(),
                                   {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict), "platform !format");
  EXPECT_EQ(FindCheck(verdict, "format").found,
            "none, but pcrs: an enclave's document, another platform's");
}

// The quote beside it was made by the key that the document carries, for the same nonce.
TEST(RealNitroTpmDocumentTest, CarriesTheKeyAndNonceOfTheQuoteBesideIt) {
  auto document = ParseNitroDocument(ReadDocument(kFile), kNitroTpmDocument);
  ASSERT_TRUE(document.ok()) << document.status();
  auto quote = nlohmann::json::parse(ReadTestData("attestation/nitrotpm-2026-02.quote.json"));
  const nlohmann::json& key = quote.at("ak_ecc_p256");
  EXPECT_EQ(HexEncode(*document->public_key),
            "04" + key.at("x").get<std::string>() + key.at("y").get<std::string>());
  EXPECT_EQ(HexEncode(*document->nonce), quote.at("nonce").get<std::string>());
  for (const auto& [index, value] : document->registers) {
    EXPECT_EQ(HexEncode(value),
              quote.at("pcrs_sha384").at(std::to_string(index)).get<std::string>())
        << index;
  }
}

}  // namespace
}  // namespace sealfold
