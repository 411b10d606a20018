#include "attest/keybroker/demand/conditions.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string Hex(char digit) { return std::string(96, digit); }

absl::StatusOr<EvidenceDemand> Read(const std::vector<std::string>& texts) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) {
    const absl::Status added =
        AddCondition(absl::StrCat("kms:RecipientAttestation:", text), conditions);
    if (!added.ok()) return added;
  }
  return ReadConditions(conditions);
}

TEST(ConditionsTest, NameTheRegistersOfAnEnclave) {
  const absl::StatusOr<EvidenceDemand> demand =
      Read({"ImageSha384=" + Hex('a'), "PCR8=" + Hex('b')});
  ASSERT_TRUE(demand.ok()) << demand.status();
  EXPECT_EQ(demand->kind, EvidenceKind::kEnclave);
  ASSERT_EQ(demand->references.size(), 1U);
  EXPECT_EQ(demand->references[0].registers,
            (std::map<uint32_t, Bytes>{{0, Bytes(48, 0xaa)}, {8, Bytes(48, 0xbb)}}));
}

TEST(ConditionsTest, NameTheRegistersOfANitroTpm) {
  const absl::StatusOr<EvidenceDemand> demand = Read({"NitroTPMPCR4=" + Hex('a')});
  ASSERT_TRUE(demand.ok()) << demand.status();
  EXPECT_EQ(demand->kind, EvidenceKind::kNitroTpm);
  EXPECT_EQ(demand->references[0].registers, (std::map<uint32_t, Bytes>{{4, Bytes(48, 0xaa)}}));
}

TEST(ConditionsTest, AnyValueOfOneKeyAndAllKeys) {
  const absl::StatusOr<EvidenceDemand> demand =
      Read({"PCR0=" + Hex('A'), "PCR0=" + Hex('b'), "PCR1=" + Hex('c'), "PCR2=" + Hex('d'),
            "PCR2=" + Hex('e')});
  ASSERT_TRUE(demand.ok()) << demand.status();
  EXPECT_EQ(demand->references.size(), 4U);
  for (const ReferenceValues& set : demand->references) {
    EXPECT_EQ(set.registers.size(), 3U);
    EXPECT_EQ(set.registers.at(1), Bytes(48, 0xcc));
  }
}

TEST(ConditionsTest, ImageSha384AndPcr0AreOneRegister) {
  const absl::StatusOr<EvidenceDemand> demand =
      Read({"ImageSha384=" + Hex('a'), "ImageSha384=" + Hex('b'), "PCR0=" + Hex('b')});
  ASSERT_TRUE(demand.ok()) << demand.status();
  ASSERT_EQ(demand->references.size(), 1U);
  EXPECT_EQ(demand->references[0].registers.at(0), Bytes(48, 0xbb));
  EXPECT_EQ(ErrorCode(Read({"ImageSha384=" + Hex('a'), "PCR0=" + Hex('b')}).status()),
            "conditions_contrary");
}

TEST(ConditionsTest, WhatCannotBeMetOrIsNotKnownIsRefused) {
  EXPECT_EQ(ErrorCode(ReadConditions({}).status()), "conditions_empty");
  EXPECT_EQ(ErrorCode(Read({"PCR0"}).status()), "condition_malformed");
  EXPECT_EQ(ErrorCode(Read({"PCR0="}).status()), "condition_malformed");
  for (const char* key : {"PCR32", "PCR00", "PCR", "PCR-1", "pcr0", "NitroTPMPCR", "Image"}) {
    EXPECT_EQ(ErrorCode(Read({absl::StrCat(key, "=", Hex('a'))}).status()), "condition_unknown")
        << key;
  }
  EXPECT_EQ(ErrorCode(ReadConditions({{.key = "kms:ViaService", .values = {"x"}}}).status()),
            "condition_unknown");
  for (const std::string& value :
       {std::string(95, 'a'), std::string(97, 'a'), std::string(64, 'a'), std::string(96, 'g')}) {
    EXPECT_EQ(ErrorCode(Read({"PCR0=" + value}).status()), "condition_value") << value;
  }
  const std::string key = "kms:RecipientAttestation:PCR0";
  EXPECT_EQ(ErrorCode(ReadConditions({{.key = key, .values = {}}}).status()), "condition_value");
  EXPECT_EQ(ErrorCode(ReadConditions({{.key = key, .values = {Hex('A')}}}).status()),
            "condition_value");
  EXPECT_EQ(ErrorCode(ReadConditions(
                          {{.key = key, .values = {Hex('a')}}, {.key = key, .values = {Hex('b')}}})
                          .status()),
            "condition_doubled");
  EXPECT_EQ(ErrorCode(Read({"PCR0=" + Hex('a'), "NitroTPMPCR4=" + Hex('a')}).status()),
            "conditions_mixed");
  std::vector<std::string> many;
  for (int index = 0; index < 9; ++index) {
    for (char digit : {'a', 'b'}) many.push_back(absl::StrCat("PCR", index, "=", Hex(digit)));
  }
  EXPECT_EQ(ErrorCode(Read(many).status()), "conditions_too_many");
}

}  // namespace
}  // namespace sealfold
