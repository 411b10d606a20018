#include "participant-client/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "attest/policy/evidence_policy_json.h"
#include "participant-client/testing/world.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing_world::World;

class PolicyTest : public ::testing::Test {
 protected:
  absl::StatusOr<Policy> Parse(const json& document) {
    return ParsePolicy(document.dump(), "policy.json", [&](const std::string& path) {
      EXPECT_EQ(path, "root.pem");
      return absl::StatusOr<std::string>(world_.policy.evidence.root_pem);
    });
  }
  // The explanation of why a policy, changed by `change`, is refused.
  Explanation Refusal(const std::function<void(json&)>& change) {
    json document = json::parse(world_.PolicyJson());
    change(document);
    absl::StatusOr<Policy> policy = Parse(document);
    EXPECT_FALSE(policy.ok()) << document.dump();
    if (policy.ok()) return {};
    EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
    return Explain(policy.status());
  }

  World world_;
};

TEST_F(PolicyTest, TheLeastThatMustBeSaidHasTheDefaults) {
  auto policy = Parse(json::parse(world_.PolicyJson()));
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->plan.quorum_min, 3u);
  EXPECT_EQ(policy->plan.attempts_max, 2u);
  EXPECT_EQ(policy->evidence.age_ms_max, 300'000u);
  EXPECT_EQ(policy->evidence.root_pem, world_.policy.evidence.root_pem);
  EXPECT_EQ(policy->coordinators, world_.policy.coordinators);
  EXPECT_EQ(policy->evidence.reference_values[0].registers,
            world_.policy.evidence.reference_values[0].registers);
}

TEST_F(PolicyTest, EverythingThatCanBeSaidIsTaken) {
  json document = json::parse(world_.PolicyJson());
  document["evidence"]["root"] = world_.policy.evidence.root_pem;
  document["evidence"]["age_seconds_max"] = 60;
  document["identity"] = {world_.identity->public_key().hex()};
  document["plan"] = {{"quorum_min", 5},          {"range_max", 0.5}, {"weight_max", 7},
                      {"participants_min", 9},    {"rounds_max", 11}, {"strategies", {"fedavg"}},
                      {"deliveries", {"sealed"}}, {"attempts_max", 1}};
  auto policy = ParsePolicy(document.dump(), "policy.json", [](const std::string&) {
    ADD_FAILURE() << "no file is named";
    return absl::StatusOr<std::string>("");
  });
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->evidence.age_ms_max, 60'000u);
  EXPECT_EQ(policy->plan.quorum_min, 5u);
  EXPECT_EQ(policy->plan.range_max, 0.5);
  EXPECT_EQ(policy->plan.weight_max, Weight(7));
  EXPECT_EQ(policy->plan.participants_min, 9u);
  EXPECT_EQ(policy->plan.rounds_max, 11u);
  EXPECT_EQ(policy->plan.deliveries, std::vector<Delivery>{Delivery::kSealed});
  EXPECT_EQ(policy->plan.attempts_max, 1u);
  EXPECT_EQ(policy->identities, std::vector<SigningPublicKey>{world_.identity->public_key()});
  // sealfold-attest judges evidence by the same file.
  const auto evidence = ParseEvidencePolicy(document.dump(), "policy.json", nullptr);
  EXPECT_TRUE(evidence.ok()) << evidence.status();
}

// Policies that other verifiers took, and that accept every program.
TEST_F(PolicyTest, AnEmptyListOfReferenceValuesIsRefused) {
  EXPECT_EQ(Refusal([](json& p) { p["evidence"]["reference_values"] = json::array(); }).code,
            "policy_references_empty");
}
TEST_F(PolicyTest, ReferenceValuesWithoutRegistersAreRefused) {
  EXPECT_EQ(Refusal([](json& p) {
              p["evidence"]["reference_values"] = {{{"name", "any"}}};
            }).code,
            "policy_reference_empty");
}
TEST_F(PolicyTest, AllZeroReferenceValuesAreRefused) {
  EXPECT_EQ(Refusal([](json& p) {
              p["evidence"]["reference_values"][0]["pcr0"] = std::string(96, '0');
            }).code,
            "policy_register_zero");
  EXPECT_EQ(Refusal([](json& p) {
              p["evidence"]["reference_values"][0]["pcr1"] = std::string(96, '0');
            }).code,
            "policy_register_zero");
}
TEST_F(PolicyTest, ReferenceValuesOfAnotherLengthAreRefused) {
  EXPECT_EQ(Refusal([](json& p) {
              p["evidence"]["reference_values"][0]["pcr0"] = std::string(64, 'a');
            }).code,
            "policy_register_length");
  EXPECT_EQ(Refusal([](json& p) { p["evidence"]["reference_values"][0]["pcr0"] = "not hex"; }).code,
            "field_invalid");
}

TEST_F(PolicyTest, AnInstancesPlatformIsNamedLikeAnyOther) {
  const std::string pcr4(96, 'a');
  json document = json::parse(world_.PolicyJson());
  document["evidence"] = {
      {"platform", "aws-nitrotpm"},
      {"reference_values",
       {{{"name", "image 7"}, {"pcr4", pcr4}, {"pcr12", std::string(96, '0')}}}}};
  auto policy = Parse(document);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(policy->evidence.platform, "aws-nitrotpm");
  EXPECT_EQ(policy->evidence.reference_values[0].registers,
            (std::map<uint32_t, Bytes>{{4, Bytes(48, 0xaa)}, {12, Bytes(48)}}));

  const auto code = [&](const char* name, const std::string& value) {
    return Refusal([&](json& p) {
             p["evidence"] = document["evidence"];
             p["evidence"]["reference_values"][0].erase("pcr4");
             p["evidence"]["reference_values"][0][name] = value;
           })
        .code;
  };
  EXPECT_EQ(code("pcr0", pcr4), "policy_reference_untelling");
  EXPECT_EQ(code("pcr4", std::string(96, '0')), "policy_register_zero");
  EXPECT_EQ(code("pcr17", std::string(96, 'f')), "policy_register_ones");
  EXPECT_EQ(code("pcr23", pcr4), "policy_register_resettable");
}

TEST_F(PolicyTest, ATpmsKeyIsNamed) {
  json document = json::parse(world_.PolicyJson());
  document["evidence"] = {
      {"platform", "tpm2"},
      {"attestation_keys", {"000b" + std::string(64, '5')}},
      {"reference_values", {{{"name", "image 7"}, {"pcr4", std::string(64, 'a')}}}}};
  auto policy = Parse(document);
  ASSERT_TRUE(policy.ok()) << policy.status();
  Bytes name(34, 0x55);
  name[0] = 0x00;
  name[1] = 0x0b;
  EXPECT_EQ(policy->evidence.attestation_keys, std::vector<Bytes>{name});
  const auto code = [&](const json& keys) {
    return Refusal([&](json& p) {
             p["evidence"] = document["evidence"];
             p["evidence"]["attestation_keys"] = keys;
           })
        .code;
  };
  EXPECT_EQ(code(json::array()), "policy_root_missing");
  EXPECT_EQ(code({"000b" + std::string(62, '5')}), "policy_key_malformed");
  EXPECT_EQ(code({"no hex"}), "field_invalid");
  EXPECT_EQ(Refusal([&](json& p) {
              p["evidence"]["attestation_keys"] = document["evidence"]["attestation_keys"];
            }).code,
            "policy_keys_unexpected");
}

TEST_F(PolicyTest, AQuorumBelowThreeIsRefusedAndSaysWhy) {
  for (int quorum : {0, 1, 2}) {
    Explanation e = Refusal([&](json& p) { p["plan"]["quorum_min"] = quorum; });
    EXPECT_EQ(e.code, "policy_quorum_min");
    EXPECT_THAT(e.advice, HasSubstr("subtract"));
  }
}

TEST_F(PolicyTest, AnUnknownFieldSuggestsTheNearest) {
  Explanation e = Refusal([](json& p) { p["plan"]["quorum"] = 3; });
  EXPECT_EQ(e.code, "field_unknown");
  EXPECT_THAT(e.advice, HasSubstr("quorum_min"));
  e = Refusal([](json& p) { p["evidence"]["reference_value"] = json::array(); });
  EXPECT_EQ(e.code, "field_unknown");
  EXPECT_THAT(e.advice, HasSubstr("reference_values"));
  e = Refusal([](json& p) { p["evidence"]["reference_values"][0]["prc0"] = "00"; });
  EXPECT_EQ(e.code, "field_unknown");
  EXPECT_THAT(e.advice, HasSubstr("pcr0"));
}

TEST_F(PolicyTest, WhoIsTrustedMustBeSaid) {
  EXPECT_EQ(Refusal([](json& p) { p["coordinators"] = json::array(); }).code,
            "policy_coordinators_empty");
  EXPECT_EQ(Refusal([](json& p) { p["coordinators"] = {std::string(64, '0')}; }).code,
            "policy_coordinator_zero");
  EXPECT_EQ(Refusal([](json& p) { p["coordinators"] = {"abc"}; }).code, "field_invalid");
  EXPECT_EQ(Refusal([](json& p) { p["identity"] = {std::string(64, '0')}; }).code,
            "policy_identity_zero");
  EXPECT_EQ(Refusal([](json& p) { p["identity"] = {"abc"}; }).code, "field_invalid");
  EXPECT_EQ(Refusal([](json& p) { p.erase("coordinators"); }).code, "field_missing");
  EXPECT_EQ(Refusal([](json& p) { p["evidence"].erase("root"); }).code, "policy_root_missing");
  EXPECT_EQ(Refusal([](json& p) { p["evidence"]["platform"] = "unheard-of"; }).code,
            "policy_platform_unknown");
  EXPECT_EQ(Refusal([](json& p) { p["format"] = "sealfold-policy-2"; }).code, "field_invalid");
}

TEST_F(PolicyTest, ListsAndLimitsThatAcceptNothingAreRefused) {
  EXPECT_EQ(Refusal([](json& p) { p["plan"]["strategies"] = json::array(); }).code,
            "field_invalid");
  EXPECT_EQ(Refusal([](json& p) { p["plan"]["attempts_max"] = 0; }).code, "field_invalid");
  EXPECT_EQ(Refusal([](json& p) { p["plan"]["range_max"] = 0; }).code, "field_invalid");
}

TEST_F(PolicyTest, APolicyMadeByAProgramIsHeldToTheSame) {
  Policy policy = world_.policy;
  EXPECT_TRUE(CheckPolicy(policy).ok());
  policy.plan.quorum_min = 2;
  EXPECT_EQ(ErrorCode(CheckPolicy(policy)), "policy_quorum_min");
  policy = world_.policy;
  policy.plan.deliveries.clear();
  EXPECT_EQ(ErrorCode(CheckPolicy(policy)), "policy_lists_empty");
  policy = world_.policy;
  policy.plan.attempts_max = 0;
  EXPECT_EQ(ErrorCode(CheckPolicy(policy)), "policy_attempts_max");
  policy = world_.policy;
  policy.plan.range_max = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(ErrorCode(CheckPolicy(policy)), "policy_range_max");
}

TEST_F(PolicyTest, ThePathOfTheRootIsRelativeToThePolicy) {
  TempDir folder;
  ASSERT_TRUE(WriteFileAtomic(folder.Path("policy.json"), world_.PolicyJson()).ok());
  EXPECT_FALSE(LoadPolicy(folder.Path("policy.json")).ok());
  ASSERT_TRUE(WriteFileAtomic(folder.Path("root.pem"), world_.policy.evidence.root_pem).ok());
  auto policy = LoadPolicy(folder.Path("policy.json"));
  EXPECT_TRUE(policy.ok()) << policy.status();
}

TEST(CheckList, FailsWithItsFirstFailureAndGoesOn) {
  CheckList checks;
  EXPECT_FALSE(checks.passed());
  EXPECT_EQ(ErrorCode(checks.status()), "nothing_checked");
  checks.Add({.name = "a", .expected = "1", .found = "1", .passed = true});
  EXPECT_TRUE(checks.passed());
  checks.Add({.name = "b", .expected = "1", .found = "2", .passed = false}, "b_differs", "advice");
  checks.Add({.name = "c", .expected = "1", .found = "2", .passed = false});
  checks.Add({.name = "d", .expected = "1", .found = "1", .passed = true});
  EXPECT_FALSE(checks.passed());
  EXPECT_EQ(checks.checks().size(), 4u);
  EXPECT_EQ(Explain(checks.status()).code, "b_differs");
  EXPECT_EQ(Explain(checks.status()).advice, "advice");
}

TEST(CheckList, AVerdictWithoutChecksIsAFailure) {
  CheckList checks;
  checks.Add({.name = "a", .expected = "1", .found = "1", .passed = true});
  checks.Add(Verdict());
  EXPECT_FALSE(checks.passed());
  EXPECT_EQ(ErrorCode(checks.status()), "evidence_unchecked");
}

}  // namespace
}  // namespace sealfold
