#include "protocol/plan/plan_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json Minimal() { return {{"name", "study"}, {"rounds", 10}, {"range", 0.5}, {"weight_max", 300}}; }

std::string Hex(char digit) { return std::string(64, digit); }

Plan Full() {
  Plan plan;
  plan.name = "breast cancer \"A\" \xc3\xa9";
  plan.rounds = 7;
  plan.tensors = {{.name = "w", .dtype = Dtype::kBf16, .shape = {30, 2}},
                  {.name = "b", .dtype = Dtype::kF32, .shape = {}}};
  plan.initial_model = *Digest::FromHex(Hex('a'));
  for (char digit : {'1', '2', '3'}) {
    plan.participants.push_back({.name = std::string(1, digit),
                                 .key = *SigningPublicKey::FromHex(Hex(digit)),
                                 .model_key = *SealingPublicKey::FromHex(Hex(digit))});
  }
  plan.quorum = 2;
  plan.learning_rate = 0.1;
  plan.range = 1.0 / 3;
  plan.weight_max = Weight(12345);
  plan.attempts_max = 5;
  plan.deadline_seconds = 60;
  plan.early_close = false;
  plan.suite = Suite::kX25519ChaCha20Poly1305;
  plan.chunk_bytes = 4096;
  plan.staging_bytes_max = 1000;
  plan.delivery = Delivery::kSealed;
  return plan;
}

std::string CodeOf(const json& in) { return ErrorCode(ParsePlanJson(in.dump(), "p").status()); }

TEST(PlanJson, AFullPlanComesBackAsItWas) {
  const Plan plan = Full();
  ASSERT_TRUE(CheckPlan(plan).ok()) << CheckPlan(plan);
  absl::StatusOr<PlanDraft> draft = ParsePlanJson(PlanToJson(plan), "p");
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->plan, plan);
  EXPECT_TRUE(draft->initial_model_given);
}

TEST(PlanJson, APlanWithAnEncodingComesBackAsItWas) {
  Plan plan = Full();
  for (const UpdateEncoding& encoding :
       {UpdateEncoding{.block_elements = 128},
        UpdateEncoding{.kind = EncodingKind::kTopK, .block_elements = 1024, .kept = 16}}) {
    plan.update_encoding = encoding;
    absl::StatusOr<PlanDraft> draft = ParsePlanJson(PlanToJson(plan), "p");
    ASSERT_TRUE(draft.ok()) << draft.status();
    EXPECT_EQ(draft->plan, plan);
  }
  json in = Minimal();
  in["update_encoding"] = {{"kind", "int8_blocks"}};
  absl::StatusOr<PlanDraft> draft = ParsePlanJson(in.dump(), "p");
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->plan.update_encoding, UpdateEncoding{});
  const json schema = json::parse(std::string(PlanJsonSchema()));
  const json& block = schema["properties"]["update_encoding"]["properties"]["block_elements"];
  EXPECT_EQ(block["default"], UpdateEncoding{}.block_elements);
  EXPECT_EQ(block["minimum"], kBlockElementsMin);
  EXPECT_EQ(block["maximum"], kBlockElementsMax);
}

TEST(PlanJson, AWrongEncodingIsRefusedWhereItStands) {
  json in = Minimal();
  in["update_encoding"] = {{"kind", "top_k"}, {"block_element", 64}, {"kept", 8}};
  absl::StatusOr<PlanDraft> draft = ParsePlanJson(in.dump(), "p");
  EXPECT_EQ(ErrorCode(draft.status()), "field_unknown");
  EXPECT_EQ(Explain(draft.status()).what, "p: /update_encoding");
  EXPECT_THAT(Explain(draft.status()).advice, HasSubstr("\"block_elements\""));
  in["update_encoding"] = {{"kind", "int4"}};
  draft = ParsePlanJson(in.dump(), "p");
  EXPECT_EQ(ErrorCode(draft.status()), "field_invalid");
  EXPECT_EQ(Explain(draft.status()).what, "p: /update_encoding/kind");
  in["update_encoding"] = {{"block_elements", 64}};
  EXPECT_EQ(CodeOf(in), "field_missing");
}

TEST(PlanJson, WhatIsLeftOutIsAsInThePlansOwnDefaultsAndTheSchemas) {
  absl::StatusOr<PlanDraft> draft = ParsePlanJson(Minimal().dump(), "p");
  ASSERT_TRUE(draft.ok()) << draft.status();
  Plan expected;
  expected.name = "study";
  expected.rounds = 10;
  expected.range = 0.5;
  expected.weight_max = Weight(300);
  EXPECT_EQ(draft->plan, expected);
  EXPECT_FALSE(draft->initial_model_given);
  json with_defaults = Minimal();
  const json schema = json::parse(std::string(PlanJsonSchema()));
  for (const auto& field : schema["properties"].items()) {
    if (field.value().contains("default")) with_defaults[field.key()] = field.value()["default"];
  }
  draft = ParsePlanJson(with_defaults.dump(), "p");
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_EQ(draft->plan, expected);
}

TEST(PlanJson, EveryNameOfTheSchemaIsKnownToTheCodeAndBack) {
  const json schema = json::parse(std::string(PlanJsonSchema()));
  auto names = [](auto e) {
    json list = json::array();
    for (const char* name : CborEnumNames(e)) list.push_back(name);
    return list;
  };
  EXPECT_EQ(schema["properties"]["suite"]["enum"], names(Suite{}));
  EXPECT_EQ(schema["properties"]["strategy"]["enum"], names(Strategy{}));
  EXPECT_EQ(schema["properties"]["delivery"]["enum"], names(Delivery{}));
  EXPECT_EQ(schema["properties"]["update_encoding"]["properties"]["kind"]["enum"],
            names(EncodingKind{}));
  EXPECT_EQ(schema["definitions"]["tensor"]["properties"]["dtype"]["enum"], names(Dtype{}));
}

TEST(PlanJson, AMisspeltFieldIsRefusedWithASuggestion) {
  for (const auto& [wrong, right] :
       {std::pair("quroum", "quorum"), std::pair("early_closed", "early_close"),
        std::pair("deadline", "deadline_seconds")}) {
    json in = Minimal();
    in[wrong] = 3;
    absl::StatusOr<PlanDraft> draft = ParsePlanJson(in.dump(), "plan.json");
    ASSERT_EQ(ErrorCode(draft.status()), "field_unknown");
    EXPECT_THAT(Explain(draft.status()).advice, HasSubstr(absl::StrCat("\"", right, "\"")));
  }
}

TEST(PlanJson, EachBoundIsAnErrorThatNamesTheField) {
  const std::pair<const char*, json> outside[] = {
      {"name", ""},
      {"name", std::string(257, 'x')},
      {"rounds", 0},
      {"rounds", 100001},
      {"participants", json::array()},
      {"participant_files", json::array()},
      {"quorum", 0},
      {"quorum", 65536},
      {"strategy", "median"},
      {"learning_rate", 0},
      {"learning_rate", 1000.5},
      {"range", 0},
      {"range", -1},
      {"range", 1e31},
      {"weight_max", 0},
      {"weight_max", 536870913},
      {"weight_max", 1.5},
      {"attempts_max", 0},
      {"attempts_max", 1001},
      {"deadline_seconds", 0},
      {"deadline_seconds", 2592001},
      {"early_close", "yes"},
      {"suite", "aes"},
      {"chunk_bytes", 4095},
      {"chunk_bytes", 4097},
      {"chunk_bytes", 1048640},
      {"staging_bytes_max", 0},
      {"delivery", "secret"},
      {"tensors", json::array()},
      {"initial_model", "abc"},
  };
  for (const auto& [field, value] : outside) {
    json in = Minimal();
    in[field] = value;
    absl::StatusOr<PlanDraft> draft = ParsePlanJson(in.dump(), "p");
    ASSERT_EQ(ErrorCode(draft.status()), "field_invalid") << in;
    EXPECT_EQ(Explain(draft.status()).what, absl::StrCat("p: /", field));
  }
  for (const char* field : {"name", "rounds", "range", "weight_max"}) {
    json in = Minimal();
    in.erase(field);
    EXPECT_EQ(CodeOf(in), "field_missing") << field;
  }
}

TEST(PlanJson, KeysAndTensorsAreCheckedWhereTheyStand) {
  json in = Minimal();
  in["participants"] = {{{"name", "north"}, {"key", Hex('1')}, {"model_key", Hex('1')}},
                        {{"name", "south"}, {"key", Hex('x')}, {"model_key", Hex('1')}}};
  absl::StatusOr<PlanDraft> draft = ParsePlanJson(in.dump(), "p");
  EXPECT_EQ(ErrorCode(draft.status()), "hex_invalid");
  EXPECT_EQ(Explain(draft.status()).what, "p: /participants/1/key");
  in["participants"][1].erase("key");
  EXPECT_EQ(CodeOf(in), "field_missing");
  in = Minimal();
  in["tensors"] = {{{"name", "w"}, {"dtype", "F64"}, {"shape", {1}}}};
  draft = ParsePlanJson(in.dump(), "p");
  EXPECT_EQ(Explain(draft.status()).what, "p: /tensors/0/dtype");
  in["tensors"] = {{{"name", "w"}, {"dtype", "F32"}, {"shape", {0}}}};
  draft = ParsePlanJson(in.dump(), "p");
  EXPECT_EQ(Explain(draft.status()).what, "p: /tensors/0/shape/0");
  in["tensors"] = {{{"name", "w"}, {"dtype", "F32"}, {"shape", {2, 3}}}};
  in["participant_files"] = {"keys/north.pub"};
  draft = ParsePlanJson(in.dump(), "p");
  ASSERT_TRUE(draft.ok()) << draft.status();
  EXPECT_THAT(draft->plan.tensors[0].shape, testing::ElementsAre(2, 3));
  EXPECT_THAT(draft->participant_files, testing::ElementsAre("keys/north.pub"));
}

}  // namespace
}  // namespace sealfold
