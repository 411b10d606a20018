#include "attest/report/check_report.h"

#include <gtest/gtest.h>

namespace sealfold {
namespace {

nlohmann::ordered_json JsonOf(Claims claims) {
  return VerdictJson({.checks = {}, .claims = std::move(claims), .caveat = ""});
}

// Register 0 is an enclave's program, and a TPM's firmware: that says nothing of a debug mode.
TEST(CheckReportTest, ADebugStateIsSaidOnlyWhereItIsMeasured) {
  for (const char* platform : {"aws-nitro", "sealfold-softnsm"}) {
    EXPECT_EQ(JsonOf({.platform = platform, .registers = {{0, Bytes(48)}}})["dbgstat"], "enabled");
    EXPECT_EQ(JsonOf({.platform = platform, .registers = {{0, Bytes(48, 1)}}})["dbgstat"],
              "disabled-since-boot");
    EXPECT_FALSE(JsonOf({.platform = platform}).contains("dbgstat"));
  }
  for (const char* platform : {"aws-nitrotpm", "tpm2", "another"}) {
    for (const uint8_t value : {0, 1}) {
      EXPECT_FALSE(
          JsonOf({.platform = platform, .registers = {{0, Bytes(48, value)}}}).contains("dbgstat"))
          << platform;
    }
  }
}

TEST(CheckReportTest, ATpmsClockIsSaid) {
  const nlohmann::ordered_json json =
      JsonOf({.platform = "tpm2",
              .tpm_clock = TpmClock{.clock_ms = 5000, .safe = true, .resets = 3, .restarts = 2}});
  EXPECT_EQ(json["tpm_clock"].dump(), R"({"clock_ms":5000,"safe":true,"resets":3,"restarts":2})");
  EXPECT_FALSE(JsonOf({.platform = "tpm2"}).contains("tpm_clock"));
}

}  // namespace
}  // namespace sealfold
