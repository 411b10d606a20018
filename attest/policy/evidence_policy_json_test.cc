#include "attest/policy/evidence_policy_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "attest/release/rules.h"
#include "attest/testing/forge/forge_list.h"
#include "attest/testing/vectors.h"
#include "attest/x509/revocation/revocation.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using nlohmann::json;

absl::StatusOr<EvidencePolicy> Parse(const json& document) {
  return ParseEvidencePolicy(document.dump(), "policy", [](const std::string& path) {
    return absl::StatusOr<std::string>("the file " + path);
  });
}

json Good() { return json::parse(WriteEvidencePolicy(NitroPolicy(Pcr0Of2022()))); }

TEST(EvidencePolicyJsonTest, RevocationListsAreFiles) {
  const Chain chain = Chain::Make(ListingChainSpec());
  const Bytes list = ForgeList({}, chain.root, chain.issuer_keys[0].get());
  json document = Good();
  document["evidence"]["revocation_lists"]["files"] = {"a.der", "b.pem"};
  const auto parse = [&] {
    return ParseEvidencePolicy(document.dump(), "policy", [&](const std::string& path) {
      return absl::StatusOr<std::string>(path == "a.der"   ? std::string(AsText(list))
                                         : path == "b.pem" ? ListPem(list)
                                                           : "none");
    });
  };
  absl::StatusOr<EvidencePolicy> policy = parse();
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_NE(policy->revocation, nullptr);
  ASSERT_EQ(policy->revocation->lists.size(), 2U);
  for (const RevocationList& each : policy->revocation->lists) EXPECT_EQ(each.der(), list);
  EXPECT_FALSE(policy->revocation->accept_expired);
  EXPECT_EQ(policy->revocation->demand, ListDemand::kNone);
  document["evidence"]["revocation_lists"]["accept_expired"] = true;
  for (const auto& [text, demand] :
       {std::pair("none", ListDemand::kNone), std::pair("published", ListDemand::kPublished),
        std::pair("every", ListDemand::kEvery)}) {
    document["evidence"]["revocation_lists"]["demand"] = text;
    policy = parse();
    ASSERT_TRUE(policy.ok()) << policy.status();
    EXPECT_TRUE(policy->revocation->accept_expired);
    EXPECT_EQ(policy->revocation->demand, demand);
  }
  document["evidence"]["revocation_lists"]["demand"] = "all";
  EXPECT_EQ(ErrorCode(parse().status()), "field_invalid");
  document["evidence"]["revocation_lists"].erase("demand");
  document["evidence"]["revocation_lists"]["files"] = {"other"};
  EXPECT_EQ(ErrorCode(parse().status()), "revocation_list_malformed");
  document["evidence"]["revocation_lists"]["files"] = json::array();
  EXPECT_FALSE(parse().ok());
}

TEST(EvidencePolicyJsonTest, WhatIsWrittenIsReadAgain) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.reference_values.push_back(
      {.name = "another", .registers = {{0, Pcr0Of2025()}, {23, Bytes(48, 7)}}});
  policy.age_ms_max = 60'000;
  const auto read = ParseEvidencePolicy(WriteEvidencePolicy(policy), "policy", nullptr);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->platform, policy.platform);
  EXPECT_EQ(read->age_ms_max, policy.age_ms_max);
  ASSERT_EQ(read->reference_values.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read->reference_values[i].name, policy.reference_values[i].name);
    EXPECT_EQ(read->reference_values[i].registers, policy.reference_values[i].registers);
  }
}

TEST(EvidencePolicyJsonTest, AParticipantsPolicyHasOneToo) {
  json document = Good();
  document["format"] = "sealfold-policy-1";
  document["coordinators"] = {"00"};
  document["identity"] = {"00"};
  document["plan"] = {{"quorum_min", 3}};
  EXPECT_TRUE(Parse(document).ok());
}

TEST(EvidencePolicyJsonTest, WhatIsNotUnderstoodOrAcceptsTooMuchIsRefused) {
  const auto code = [](const std::function<void(json&)>& change) {
    json document = Good();
    change(document);
    return ErrorCode(Parse(document).status());
  };
  EXPECT_EQ(code([](json&) {}), "");
  EXPECT_EQ(code([](json& p) { p["format"] = "sealfold-policy-2"; }), "field_invalid");
  EXPECT_EQ(code([](json& p) { p["evidense"] = 1; }), "field_unknown");
  EXPECT_EQ(code([](json& p) { p["evidence"].erase("platform"); }), "field_missing");
  EXPECT_EQ(code([](json& p) { p["evidence"]["reference_values"][0]["pcr24"] = "00"; }),
            "field_unknown");
  EXPECT_EQ(code([](json& p) { p["evidence"]["reference_values"][0]["pcr0"] = "no hex"; }),
            "field_invalid");
  EXPECT_EQ(
      code([](json& p) { p["evidence"]["reference_values"][0]["pcr0"] = std::string(96, '0'); }),
      "policy_register_zero");
  EXPECT_EQ(code([](json& p) { p["evidence"]["reference_values"] = json::array(); }),
            "policy_references_empty");
  EXPECT_EQ(code([](json& p) { p["evidence"]["root"] = "root.pem"; }), "policy_root_unexpected");
}

class ReleasesTest : public ::testing::Test {
 protected:
  static SigningKey Key(uint8_t n) { return SigningKey::FromSeed(testing::SeedOf(n)); }
  // A release of version `version`, signed by these, for aws-nitro.
  static std::string File(uint64_t version, const std::vector<uint8_t>& signers) {
    const ReleaseStatement statement{
        .subject = "aggregator",
        .version = version,
        .source = "v",
        .builder = "b",
        .platforms = {
            {.platform = "aws-nitro", .registers = {{.index = 0, .value = Bytes(48, 0x11)}}}}};
    ReleaseFile file;
    for (const uint8_t n : signers) {
      file.statements.push_back(SignStatement(Key(n), EncodeStatement(statement)));
    }
    return std::string(AsText(cbor::EncodeFields(file)));
  }
  absl::StatusOr<EvidencePolicy> ParseWith(const std::function<void(json&)>& change = nullptr) {
    json document = Good();
    document["evidence"].erase("reference_values");
    document["evidence"]["releases"] = {
        {"subject", "aggregator"},
        {"k", 2},
        {"signers", {Key(1).public_key().hex(), Key(2).public_key().hex()}},
        {"files", {"release.cbor"}}};
    if (change) change(document["evidence"]["releases"]);
    return ParseEvidencePolicy(document.dump(), "policy", [&](const std::string& path) {
      EXPECT_EQ(path, "release.cbor");
      return absl::StatusOr<std::string>(file);
    });
  }
  std::string Code(const std::function<void(json&)>& change = nullptr) {
    return ErrorCode(ParseWith(change).status());
  }

  std::string file = File(3, {1, 2});
};

TEST_F(ReleasesTest, ValuesComeFromWhatEnoughBuildersSigned) {
  const absl::StatusOr<EvidencePolicy> policy = ParseWith();
  ASSERT_TRUE(policy.ok()) << policy.status();
  ASSERT_EQ(policy->reference_values.size(), 1u);
  EXPECT_EQ(policy->reference_values[0].name, "aggregator version 3");
  EXPECT_EQ(policy->reference_values[0].release_version, 3u);
  EXPECT_EQ(policy->reference_values[0].registers.at(0), Bytes(48, 0x11));
}

// Where none is known before, one that comes beside evidence is held to the same rules.
TEST_F(ReleasesTest, AReleaseBesideEvidenceIsHeldToTheRules) {
  const absl::StatusOr<EvidencePolicy> policy = ParseWith([](json& r) { r.erase("files"); });
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_TRUE(policy->reference_values.empty());
  const auto with = [&](const std::string& release, size_t values, const std::string& code) {
    absl::Status why_not;
    const EvidencePolicy out = WithRelease(*policy, ToBytes(AsBytes(release)), why_not);
    EXPECT_EQ(out.reference_values.size(), values);
    EXPECT_EQ(ErrorCode(why_not), code);
  };
  with(File(3, {1, 2}), 1, "");
  with(File(3, {1, 9}), 0, "release_signers");
  with("{}", 0, "cbor_truncated");
  with(std::string(kReleaseFileSizeMax + 1, 'x'), 0, "cbor_too_large");
  absl::Status why_not;
  EXPECT_TRUE(WithRelease(*policy, std::nullopt, why_not).reference_values.empty());
  EXPECT_EQ(ErrorCode(why_not), "");
  EvidencePolicy nobodys = *policy;
  nobodys.releases = nullptr;
  EXPECT_TRUE(WithRelease(nobodys, ToBytes(AsBytes(file)), why_not).reference_values.empty());
}

TEST_F(ReleasesTest, WhatTooFewSignedOrIsTooOldIsRefused) {
  EXPECT_EQ(Code([](json& r) { r["version_min"] = 4; }), "release_version");
  EXPECT_EQ(Code([](json& r) { r["subject"] = "another"; }), "release_subject");
  EXPECT_EQ(Code([](json& r) { r["log_key"] = std::string(64, 'a'); }), "release_not_logged");
  file = File(3, {1, 9});
  EXPECT_EQ(Code(), "release_signers");
  file = "{}";
  EXPECT_EQ(Code(), "cbor_truncated");
}

TEST_F(ReleasesTest, RulesThatMeanNothingAreRefused) {
  EXPECT_EQ(Code([](json& r) { r["k"] = 0; }), "policy_release_k");
  EXPECT_EQ(Code([](json& r) { r["k"] = 3; }), "policy_release_k");
  EXPECT_EQ(Code([](json& r) { r["signers"][1] = r["signers"][0]; }), "policy_release_signers");
  EXPECT_EQ(Code([](json& r) { r["signers"] = {"abc"}; }), "field_invalid");
  EXPECT_EQ(Code([](json& r) { r["sigers"] = 1; }), "field_unknown");
  EXPECT_EQ(Code([](json& r) { r.erase("k"); }), "field_missing");
}

}  // namespace
}  // namespace sealfold
