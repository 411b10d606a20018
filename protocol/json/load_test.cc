#include "protocol/json/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using testing::HasSubstr;

constexpr char kSchema[] = R"({
  "type": "object", "additionalProperties": false, "required": ["name", "rounds"],
  "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 8, "description": "What people call it."},
    "rounds": {"type": "integer", "minimum": 1, "maximum": 100},
    "rate": {"type": "number", "exclusiveMinimum": 0},
    "early": {"type": "boolean"},
    "kind": {"enum": ["public", "sealed"]},
    "big": {"type": "integer", "minimum": 0, "maximum": 1099511627776},
    "people": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/definitions/person"}}
  },
  "definitions": {
    "person": {"type": "object", "additionalProperties": false, "required": ["key"],
               "properties": {"key": {"type": "string"}, "model_key": {"type": "string"}}}
  }
})";

absl::StatusOr<nlohmann::json> Load(absl::string_view text) {
  return LoadJson(text, kSchema, "plan.json");
}

Explanation Failure(absl::string_view text) {
  absl::StatusOr<nlohmann::json> loaded = Load(text);
  EXPECT_FALSE(loaded.ok()) << text;
  return loaded.ok() ? Explanation{} : Explain(loaded.status());
}

TEST(LoadJson, TakesAValidDocument) {
  auto loaded = Load(R"({"name":"a","rounds":3,"rate":1,"big":1099511627776,
                         "people":[{"key":"k"}]})");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ((*loaded)["rounds"].get<uint64_t>(), 3u);
  EXPECT_EQ((*loaded)["big"].get<uint64_t>(), uint64_t{1} << 40);
}

TEST(LoadJson, AnUnknownFieldSuggestsTheNearestKnownOne) {
  Explanation e = Failure(R"({"name":"a","rouns":3})");
  EXPECT_EQ(e.code, "field_unknown");
  EXPECT_EQ(e.found, "\"rouns\"");
  EXPECT_THAT(e.advice, HasSubstr("\"rounds\""));
  e = Failure(R"({"name":"a","rounds":3,"people":[{"key":"k"},{"key":"k","modelkey":"m"}]})");
  EXPECT_EQ(e.code, "field_unknown");
  EXPECT_THAT(e.what, HasSubstr("/people/1"));
  EXPECT_THAT(e.advice, HasSubstr("\"model_key\""));
  EXPECT_EQ(Failure(R"({"name":"a","rounds":3,"zzzzzzzzzzzz":1})").advice, "remove it");
  EXPECT_EQ(Failure("{\"name\":\"a\",\"rounds\":3,\"rounds\\u0000\":1}").code, "field_unknown");
}

TEST(LoadJson, AMissingFieldIsNamedWithWhatItHolds) {
  Explanation e = Failure(R"({"rounds":3})");
  EXPECT_EQ(e.code, "field_missing");
  EXPECT_THAT(e.expected, HasSubstr("\"name\""));
  EXPECT_EQ(e.advice, "What people call it.");
}

TEST(LoadJson, EachBoundSaysWhereWhatAndFound) {
  struct Case {
    const char* text;
    const char* where;
    const char* expected;
    const char* found;
  };
  const Case cases[] = {
      {R"({"name":"a","rounds":0})", "/rounds", "a whole number of 1 to 100", "0"},
      {R"({"name":"a","rounds":101})", "/rounds", "a whole number of 1 to 100", "101"},
      {R"({"name":"a","rounds":-1})", "/rounds", "a whole number of 1 to 100", "-1"},
      {R"({"name":"a","rounds":1.5})", "/rounds", "a whole number of 1 to 100", "1.5"},
      {R"({"name":"a","rounds":"3"})", "/rounds", "a whole number of 1 to 100", "\"3\""},
      {R"({"name":"","rounds":3})", "/name", "a text of 1 to 8 characters", "\"\""},
      {R"({"name":"123456789","rounds":3})", "/name", "a text of 1 to 8 characters",
       "\"123456789\""},
      {R"({"name":null,"rounds":3})", "/name", "a text of 1 to 8 characters", "null"},
      {R"({"name":"a","rounds":3,"rate":0})", "/rate", "a number greater than 0", "0"},
      {R"({"name":"a","rounds":3,"early":1})", "/early", "true or false", "1"},
      {R"({"name":"a","rounds":3,"kind":"open"})", "/kind", "\"public\" or \"sealed\"", "\"open\""},
      {R"({"name":"a","rounds":3,"big":-1})", "/big", "a whole number of 0 to 1099511627776", "-1"},
      {R"({"name":"a","rounds":3,"big":18446744073709551615})", "/big",
       "a whole number of 0 to 1099511627776", "18446744073709551615"},
      {R"({"name":"a","rounds":3,"people":[]})", "/people", "a list of 1 to 3 items", "[]"},
      {R"({"name":"a","rounds":3,"people":[{"key":7}]})", "/people/0/key", "a text", "7"},
      {R"([])", "the document", "an object {...}", "[]"},
  };
  for (const Case& c : cases) {
    Explanation e = Failure(c.text);
    EXPECT_EQ(e.code, "field_invalid") << c.text;
    EXPECT_EQ(e.what, absl::StrCat("plan.json: ", c.where)) << c.text;
    EXPECT_EQ(e.expected, c.expected) << c.text;
    EXPECT_EQ(e.found, c.found) << c.text;
  }
}

TEST(LoadJson, RefusesWhatIsNotOneStrictDocument) {
  EXPECT_EQ(Failure(R"({"name":"a","name":"b","rounds":3})").code, "json_doubled_key");
  EXPECT_EQ(Failure(R"({"name":"a","n\u0061me":"b","rounds":3})").code, "json_doubled_key");
  EXPECT_EQ(Failure(R"({"name":"a","rounds":3} {})").code, "json_syntax");
  EXPECT_EQ(Failure(R"({"name":"a","rounds":3,})").code, "json_syntax");
  EXPECT_EQ(Failure(R"({"name":"a","rounds":3 /* c */})").code, "json_syntax");
  EXPECT_EQ(Failure(R"({"name":"a","rounds":NaN})").code, "json_syntax");
  EXPECT_EQ(Failure(R"({"name":"a","rounds":3,"rate":1e999})").code, "json_syntax");
  EXPECT_EQ(Failure("{\"name\":\"\xff\",\"rounds\":3}").code, "json_syntax");
  EXPECT_EQ(Failure("").code, "json_syntax");
  EXPECT_THAT(Failure("{\n \"name\" \"a\"}").found, HasSubstr("line 2, column"));
  EXPECT_EQ(Failure(std::string(100, '[')).code, "json_too_deep");
  EXPECT_EQ(Failure(std::string(kJsonBytesMax + 1, ' ')).code, "json_too_large");
}

TEST(LoadJson, QuotesLongValuesOnlyInPartAndAtACharacter) {
  std::string long_name;
  for (int i = 0; i < 100; ++i) long_name += "\xe2\x82\xac";
  Explanation e = Failure(absl::StrCat("{\"name\":\"", long_name, "\",\"rounds\":3}"));
  EXPECT_LT(e.found.size(), 120u);
  EXPECT_NO_THROW(static_cast<void>(nlohmann::json(e.found).dump()));
}

TEST(NearestWord, FindsTyposAndNothingElse) {
  const std::vector<std::string> known = {"quorum", "rounds", "range"};
  EXPECT_EQ(NearestWord("quroum", known), "quorum");
  EXPECT_EQ(NearestWord("round", known), "rounds");
  EXPECT_EQ(NearestWord("Range", known), "range");
  EXPECT_EQ(NearestWord("quorum_of_updates", known), "quorum");
  EXPECT_EQ(NearestWord("delivery", known), "");
  EXPECT_EQ(NearestWord(std::string(1000, 'q'), known), "");
}

}  // namespace
}  // namespace sealfold
