#include "attest/testing/vectors.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/text/time.h"

namespace sealfold {

std::string ReadTestData(const std::string& name) {
  std::ifstream file(absl::StrCat(SEALFOLD_TEST_DATA, "/", name), std::ios::binary);
  SEALFOLD_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bytes ReadDocument(const std::string& name) {
  return ToBytes(AsBytes(ReadTestData(absl::StrCat("attestation/", name))));
}

uint64_t TimeMs(const char* text) { return ParseTimeMillis(text).value(); }

EvidencePolicy NitroTpmPolicy() {
  const Bytes pcr4 = HexDecode(
                         "1a1f166e1995c1e1bfdf1c1d13b1ebc9d5d4e44397501655"
                         "c911a2062d92063483ca9e17f0264efe336d4b61c5b98d1e")
                         .value();
  return {.platform = "aws-nitrotpm",
          .reference_values = {{.name = "release", .registers = {{4, pcr4}}}}};
}

EvidencePolicy NitroPolicy(ByteSpan pcr0) {
  return {.platform = "aws-nitro",
          .reference_values = {{.name = "release", .registers = {{0, ToBytes(pcr0)}}}}};
}

Bytes Pcr0Of2022() {
  return HexDecode(
             "f4d48b81a460c9916d1e685119074bf24660afd3e34fae9f"
             "ca0a0d28d9d5599936332687e6f66fc890ac8cf150142d8b")
      .value();
}

Bytes Pcr0Of2025() {
  return HexDecode(
             "5cb702954321826d7939d6da829a940d787fcf32357beb8e"
             "ae1ddf33c28c17d36f3ac3ba6828fdf7edeed02889702da6")
      .value();
}

Check FindCheck(const Verdict& verdict, const std::string& name) {
  for (const Check& check : verdict.checks) {
    if (check.name == name) return check;
  }
  return {.name = "(none)"};
}

std::string CheckNames(const Verdict& verdict) {
  std::string names;
  for (const Check& check : verdict.checks) {
    absl::StrAppend(&names, names.empty() ? "" : " ", check.passed ? "" : "!", check.name);
  }
  return names;
}

}  // namespace sealfold
