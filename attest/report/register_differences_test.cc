#include "attest/report/register_differences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/testing/forge/forge_log.h"
#include "attest/testing/vectors.h"
#include "attest/tpm/log/event_log.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;

constexpr char kNotLed[] =
    "the log does not lead to it: it is incomplete, of another boot, or made up";

// The registers of a machine that booted as `log` says.
std::map<uint32_t, Bytes> Booted(const LogWriter& log, uint16_t bank = kTpmAlgSha384) {
  return ReplayEventLog(ParseEventLog(log.bytes(), bank).value());
}

TEST(RegisterDifferencesTest, TheEventOfTheOneComponentThatDiffersIsNamed) {
  const LogWriter changed = BootLog("\\EFI\\BOOT\\OTHER.EFI");
  for (const uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
    const auto differences =
        RegisterDifferences(Booted(changed, bank), changed.bytes(), BootLog().bytes());
    ASSERT_TRUE(differences.ok()) << differences.status();
    EXPECT_EQ(differences->size(), 4u);
    for (const char* same : {"pcr0", "pcr5", "pcr7"}) {
      EXPECT_EQ((*differences)[same], "as in the reference log") << same;
    }
    const std::string text = (*differences)["pcr4"];
    EXPECT_THAT(text, HasSubstr("expected event 5, EV_EFI_BOOT_SERVICES_APPLICATION, "
                                "\"\\EFI\\BOOT\\BOOTX64.EFI\", digest "));
    EXPECT_THAT(text, HasSubstr("; found event 5, EV_EFI_BOOT_SERVICES_APPLICATION, "
                                "\"\\EFI\\BOOT\\OTHER.EFI\", digest "));
  }
}

TEST(RegisterDifferencesTest, ALogThatDoesNotLeadToARegisterExplainsNothingOfIt) {
  std::map<uint32_t, Bytes> registers = Booted(BootLog());
  registers[7].front() ^= 1;
  const auto differences =
      RegisterDifferences(registers, BootLog().bytes(), BootLog("other").bytes());
  ASSERT_TRUE(differences.ok()) << differences.status();
  EXPECT_EQ((*differences)["pcr7"], kNotLed);
  EXPECT_NE((*differences)["pcr4"], kNotLed);
}

TEST(RegisterDifferencesTest, ALogIsNamedInItsError) {
  const auto registers = Booted(BootLog());
  const Bytes bad = {1, 2, 3};
  EXPECT_THAT(Explain(RegisterDifferences(registers, bad, BootLog().bytes()).status()).what,
              HasSubstr("event log"));
  EXPECT_THAT(Explain(RegisterDifferences(registers, BootLog().bytes(), bad).status()).what,
              HasSubstr("reference log"));
}

TEST(EventLinesTest, TellWhatWasExtendedIntoTheRegistersAskedFor) {
  const auto lines = EventLines({{4, Bytes(48)}}, BootLog().bytes());
  ASSERT_TRUE(lines.ok()) << lines.status();
  ASSERT_EQ(lines->size(), 3u);
  EXPECT_THAT((*lines)[2].get<std::string>(), HasSubstr("pcr4 event 5, EV_EFI_BOOT_SERVICES"));
}

TEST(ReadClaimedRegistersTest, TakesEveryPlatformsDocument) {
  for (const char* name : {"nsm-2022-10", "nitrotpm-2026-02"}) {
    const auto claimed = ReadClaimedRegisters(ReadDocument(std::string(name) + ".cose"));
    ASSERT_TRUE(claimed.ok()) << claimed.status();
    EXPECT_EQ(claimed->registers.count(4), 1u) << name;
    EXPECT_FALSE(claimed->event_log.has_value());
  }
  EXPECT_FALSE(ReadClaimedRegisters(Bytes{1}).ok());
}

}  // namespace
}  // namespace sealfold
