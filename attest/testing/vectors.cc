#include "attest/testing/vectors.h"

#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

std::string ReadTestData(const std::string& name) {
  std::ifstream file(absl::StrCat(SEALFOLD_TEST_DATA, "/", name), std::ios::binary);
  SEALFOLD_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bytes ReadDocument(const std::string& name) {
  return ToBytes(AsBytes(ReadTestData(absl::StrCat("attestation/", name))));
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
