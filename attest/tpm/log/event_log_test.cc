#include "attest/tpm/log/event_log.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "attest/testing/forge/forge_log.h"
#include "attest/tpm/log/explain.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string CodeOf(ByteSpan bytes, uint16_t bank = kTpmAlgSha256) {
  return ErrorCode(ParseEventLog(bytes, bank).status());
}

TEST(EventLogTest, IsReplayedInEveryBank) {
  for (uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
    auto log = ParseEventLog(BootLog().bytes(), bank);
    ASSERT_TRUE(log.ok()) << log.status();
    EXPECT_EQ(log->events.size(), 6u);
    auto registers = ReplayEventLog(*log);
    EXPECT_EQ(registers.size(), 4u);
    // Register 4, step by step: extend(x) = H(old || H(x)).
    Bytes expected(TpmHashSize(bank));
    for (absl::string_view text :
         {absl::string_view("Calling EFI Application from Boot Option"),
          absl::string_view("\0\0\0\0", 4), absl::string_view("\\EFI\\BOOT\\BOOTX64.EFI")}) {
      expected = TpmHash(bank, {expected, TpmHash(bank, {AsBytes(text)})});
    }
    EXPECT_EQ(registers.at(4), expected);
  }
}

TEST(EventLogTest, InformationIsNotExtended) {
  LogWriter log = BootLog();
  const auto before = ReplayEventLog(*ParseEventLog(log.bytes(), kTpmAlgSha256));
  log.Event(4, 0x00000003, "for your information");
  EXPECT_EQ(ReplayEventLog(*ParseEventLog(log.bytes(), kTpmAlgSha256)), before);
}

TEST(EventLogTest, RegisterZeroStartsFromTheLocality) {
  LogWriter log;
  log.Event(0, 0x00000003, absl::string_view("StartupLocality\0\3", 17));
  log.Event(0, 0x00000008, "firmware 1");
  auto parsed = ParseEventLog(log.bytes(), kTpmAlgSha256);
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->startup_locality, 3);
  Bytes start(32);
  start.back() = 3;
  EXPECT_EQ(ReplayEventLog(*parsed).at(0),
            TpmHash(kTpmAlgSha256, {start, TpmHash(kTpmAlgSha256, {AsBytes("firmware 1")})}));
}

TEST(EventLogTest, EveryTruncationIsRefusedButBetweenEvents) {
  const Bytes good = BootLog().bytes();
  size_t between = 0;
  for (size_t size = 0; size < good.size(); ++size) {
    auto log = ParseEventLog(ByteSpan(good).first(size), kTpmAlgSha256);
    if (log.ok()) {
      ++between;
    } else {
      EXPECT_TRUE(absl::StartsWith(ErrorCode(log.status()), "event_log_")) << size;
    }
  }
  EXPECT_EQ(between, 6u) << "a log without its last events is one: the replay tells";
}

TEST(EventLogTest, TheFirstEventIsTheSpecId) {
  EXPECT_EQ(CodeOf({}), "event_log_spec_id");
  EXPECT_EQ(CodeOf(LogWriter(absl::string_view("Spec ID Event02\0", 16)).bytes()),
            "event_log_spec_id");
  const Bytes good = BootLog().bytes();
  const auto changed = [&](size_t offset, uint8_t value) {
    Bytes bytes = good;
    bytes.at(offset) = value;
    return CodeOf(bytes);
  };
  EXPECT_EQ(changed(0, 1), "event_log_spec_id") << "another register";
  EXPECT_EQ(changed(4, 4), "event_log_spec_id") << "another type";
  EXPECT_EQ(changed(56, 0), "event_log_spec_id") << "no banks";
  EXPECT_EQ(changed(56, 9), "event_log_spec_id") << "many banks";
  EXPECT_EQ(changed(64, 0x04), "event_log_spec_id") << "a bank twice";
  EXPECT_EQ(changed(66, 20), "event_log_spec_id") << "SHA-256 of 20 bytes";
  EXPECT_EQ(changed(72, 1), "event_log_spec_id") << "vendor's information that is not there";
}

TEST(EventLogTest, ABankThatIsNotThereIsRefused) {
  EXPECT_EQ(CodeOf(BootLog().bytes(), 0x04), "event_log_bank") << "SHA-1 counts for nothing";
  EXPECT_EQ(CodeOf(BootLog().bytes(), 0x0d), "event_log_bank");
}

TEST(EventLogTest, EventsAreHeldToTheirForm) {
  const size_t start = LogWriter().bytes().size();
  const Bytes good = LogWriter().Event(4, 4, "separator").bytes();
  const auto changed = [&](size_t offset, uint8_t value) {
    Bytes bytes = good;
    bytes.at(start + offset) = value;
    return CodeOf(bytes);
  };
  EXPECT_EQ(changed(0, 24), "event_log_register");
  EXPECT_EQ(changed(8, 2), "event_log_digests") << "fewer digests than banks";
  EXPECT_EQ(changed(8, 4), "event_log_digests");
  EXPECT_EQ(changed(12, 0x0b), "event_log_digests") << "a bank twice";
  EXPECT_EQ(changed(12, 0x0d), "event_log_digests") << "a bank that was not announced";
  EXPECT_EQ(changed(12 + 22 + 34 + 50 + 3, 0xff), "event_log_truncated") << "4 GiB of data";
  EXPECT_EQ(CodeOf(Bytes(kEventLogSizeMax + 1)), "event_log_too_large");
}

class ExplainTest : public testing::Test {
 protected:
  static EventLog Parse(const LogWriter& log) {
    return ParseEventLog(log.bytes(), kTpmAlgSha256).value();
  }
  static RegisterExplanation Of(uint32_t index, const EventLog& log,
                                const std::map<uint32_t, Bytes>& quoted,
                                const ReferenceEvents& reference) {
    for (RegisterExplanation& each : ExplainRegisters(log, quoted, reference)) {
      if (each.register_index == index) return std::move(each);
    }
    ADD_FAILURE() << "nothing about register " << index;
    return {};
  }

  ReferenceEvents reference_ = ReferenceFromLog(Parse(BootLog()));
};

TEST_F(ExplainTest, TheSameBootDoesNotDiffer) {
  const EventLog log = Parse(BootLog());
  auto explanations = ExplainRegisters(log, ReplayEventLog(log), reference_);
  EXPECT_EQ(explanations.size(), 4u);
  for (const RegisterExplanation& each : explanations) {
    EXPECT_TRUE(each.log_holds);
    EXPECT_FALSE(each.differs) << each.register_index;
  }
}

TEST_F(ExplainTest, NamesTheFirstEventThatMadeTheDifference) {
  const EventLog log = Parse(BootLog("\\EFI\\evil\\grubx64.efi"));
  const auto quoted = ReplayEventLog(log);
  const RegisterExplanation four = Of(4, log, quoted, reference_);
  EXPECT_TRUE(four.log_holds);
  EXPECT_TRUE(four.differs);
  EXPECT_TRUE(absl::StartsWith(
      four.found,
      "event 5, EV_EFI_BOOT_SERVICES_APPLICATION, \"\\EFI\\evil\\grubx64.efi\", digest "))
      << four.found;
  EXPECT_TRUE(absl::StrContains(four.expected, "\\EFI\\BOOT\\BOOTX64.EFI")) << four.expected;
  EXPECT_FALSE(Of(7, log, quoted, reference_).differs);
}

TEST_F(ExplainTest, NamesWhatWasAddedOrLeftOut) {
  LogWriter longer = BootLog();
  longer.Event(4, 0x80000003, "one more application");
  const EventLog log = Parse(longer);
  const RegisterExplanation added = Of(4, log, ReplayEventLog(log), reference_);
  EXPECT_EQ(added.expected, "the end");
  EXPECT_TRUE(absl::StrContains(added.found, "event 7, EV_EFI_BOOT_SERVICES_APPLICATION"));

  const EventLog shorter =
      Parse(LogWriter().Event(4, 0x80000007, "Calling EFI Application from Boot Option"));
  const RegisterExplanation left = Of(4, shorter, ReplayEventLog(shorter), reference_);
  EXPECT_EQ(left.found, "the end");
  EXPECT_TRUE(absl::StrContains(left.expected, "EV_SEPARATOR"));
}

TEST_F(ExplainTest, ALogThatDoesNotLeadToTheQuoteIsSaidNotToHold) {
  const EventLog log = Parse(BootLog());
  auto quoted = ReplayEventLog(log);
  quoted[4] = Bytes(32, 1);
  EXPECT_FALSE(Of(4, log, quoted, reference_).log_holds);
  EXPECT_TRUE(Of(7, log, quoted, reference_).log_holds);
  // A register that the reference has events for and the log has none.
  const EventLog empty = Parse(LogWriter());
  EXPECT_TRUE(Of(4, empty, {{4, Bytes(32)}}, reference_).log_holds);
  EXPECT_FALSE(Of(4, empty, {{4, Bytes(32, 1)}}, reference_).log_holds);
}

TEST_F(ExplainTest, DigestsAloneCanBeTheReference) {
  const EventLog log = Parse(BootLog());
  const Bytes other(32, 9);
  const RegisterExplanation four = Of(4, log, ReplayEventLog(log), {{4, {{.digest = other}}}});
  EXPECT_TRUE(absl::StartsWith(four.expected, "a step, digest 0909"));
  EXPECT_TRUE(absl::StartsWith(four.found, "event 3, EV_EFI_ACTION"));
}

}  // namespace
}  // namespace sealfold
