// The real sealfold-softnsm, asked by real programs.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "attest/attester.h"
#include "attest/measure/program_file.h"
#include "attest/testing/programs/processes.h"
#include "attest/testing/vectors.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class SoftnsmEndToEndTest : public testing::Test {
 protected:
  ChildProcess StartSoftnsm() const { return sealfold::StartSoftnsm(SEALFOLD_SOFTNSM, dir_); }

  // The document that `program` gets; empty if none.
  Bytes DocumentFor(const std::string& program) {
    auto caller = ChildProcess::Start({program, socket_}, {});
    SEALFOLD_CHECK(caller.ok());
    const std::string hex = ReadTestLine(*caller);
    EXPECT_EQ(caller->Wait(), 0);
    return HexDecode(hex).value();
  }

  EvidencePolicy PolicyFor(const std::string& program) {
    return {.platform = "sealfold-softnsm",
            .root_pem = ReadFile(state_ + "/root.pem", 10'000).value(),
            .reference_values = {
                {.name = "build",
                 .registers = {{0, ToBytes(MeasureProgram(program).value().span())}}}}};
  }

  static EvidenceExpectation Expectation() {
    return {.nonce = ToBytes(AsBytes("nonce")),
            .user_data = ToBytes(AsBytes("user data")),
            .now_ms = WallMs()};
  }

  // A copy of `program` that differs in one byte: of the ELF header's padding, so that it runs all
  // the same.
  std::string ChangedCopy(const std::string& program) {
    std::string path = dir_.Path("changed");
    std::filesystem::copy_file(program, path);
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(15);
    file.put(1);
    return path;
  }

  TempDir dir_;
  const std::string state_ = dir_.Path("nsm");
  const std::string socket_ = dir_.Path("nsm.sock");
};

TEST_F(SoftnsmEndToEndTest, AProgramIsMeasuredAndAChangedOneIsNotIt) {
  ChildProcess softnsm = StartSoftnsm();
  const EvidencePolicy policy = PolicyFor(SEALFOLD_SOFTNSM_CALLER);
  Verdict good = VerifyEvidence(DocumentFor(SEALFOLD_SOFTNSM_CALLER), policy, Expectation());
  EXPECT_TRUE(good.passed()) << good.status();
  EXPECT_TRUE(absl::StrContains(good.caveat, "proves nothing"));

  const std::string changed = ChangedCopy(SEALFOLD_SOFTNSM_CALLER);
  const Bytes document = DocumentFor(changed);
  Verdict bad = VerifyEvidence(document, policy, Expectation());
  EXPECT_EQ(ErrorCode(bad.status()), "evidence_registers");
  EXPECT_EQ(CheckNames(bad),
            "platform format chain certificate_time signature debug freshness nonce user_data "
            "!registers");
  EXPECT_TRUE(VerifyEvidence(document, PolicyFor(changed), Expectation()).passed());
}

TEST_F(SoftnsmEndToEndTest, AnExecutableReplacedOnDiskIsStillWhatRuns) {
  ChildProcess softnsm = StartSoftnsm();
  // The path now holds another file; the process runs the old one.
  const std::string path = dir_.Path("program");
  std::filesystem::copy_file(SEALFOLD_SOFTNSM_CALLER, path);
  Verdict before =
      VerifyEvidence(DocumentFor(path), PolicyFor(SEALFOLD_SOFTNSM_CALLER), Expectation());
  EXPECT_TRUE(before.passed()) << before.status();
  std::filesystem::rename(ChangedCopy(SEALFOLD_SOFTNSM_CALLER), path);
  Verdict after =
      VerifyEvidence(DocumentFor(path), PolicyFor(SEALFOLD_SOFTNSM_CALLER), Expectation());
  EXPECT_EQ(ErrorCode(after.status()), "evidence_registers");
}

TEST_F(SoftnsmEndToEndTest, AProgramThatBecomesAnotherOneGetsNoDocument) {
  ChildProcess softnsm = StartSoftnsm();
  const std::string changed = ChangedCopy(SEALFOLD_SOFTNSM_CALLER);
  // The changed program connects and turns into the genuine one, which asks; and the other way
  // round.
  auto impostor = ChildProcess::Start({changed, socket_, "--become", SEALFOLD_SOFTNSM_CALLER}, {});
  ASSERT_TRUE(impostor.ok());
  EXPECT_EQ(ReadTestLine(*impostor), "InvalidOperation");
  auto turncoat = ChildProcess::Start({SEALFOLD_SOFTNSM_CALLER, socket_, "--become", changed}, {});
  ASSERT_TRUE(turncoat.ok());
  EXPECT_EQ(ReadTestLine(*turncoat), "InvalidOperation");
  // Into itself: the same program.
  auto same = ChildProcess::Start(
      {SEALFOLD_SOFTNSM_CALLER, socket_, "--become", SEALFOLD_SOFTNSM_CALLER}, {});
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(ReadTestLine(*same), "a document");
}

TEST_F(SoftnsmEndToEndTest, AnAttesterOutlivesARestart) {
  std::optional<ChildProcess> softnsm = StartSoftnsm();
  auto attester = ConnectSoftwareAttester(socket_);
  ASSERT_TRUE(attester.ok()) << attester.status();
  const EvidencePolicy policy = PolicyFor("/proc/self/exe");
  auto first = (*attester)->Attest(AsBytes("nonce"), AsBytes("user data"), {});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(VerifyEvidence(*first, policy, Expectation()).passed());

  softnsm->Signal(SIGKILL);
  softnsm->Wait();
  auto none = (*attester)->Attest(AsBytes("nonce"), AsBytes("user data"), {});
  EXPECT_EQ(ErrorCode(none.status()), "attester_unreachable");

  softnsm = StartSoftnsm();  // over the socket that was left behind, under the same root
  auto second = (*attester)->Attest(AsBytes("nonce"), AsBytes("user data"), {});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(VerifyEvidence(*second, policy, Expectation()).passed());
}

TEST_F(SoftnsmEndToEndTest, EndsCleanlyWhenTold) {
  for (int signal : {SIGTERM, SIGINT}) {
    ChildProcess softnsm = StartSoftnsm();
    auto attester = ConnectSoftwareAttester(socket_);
    ASSERT_TRUE(attester.ok());
    softnsm.Signal(signal);
    EXPECT_EQ(softnsm.Wait(), 0);
    EXPECT_FALSE(std::filesystem::exists(socket_));
  }
}

TEST_F(SoftnsmEndToEndTest, HelpAndErrors) {
  auto help = RunToEnd({SEALFOLD_SOFTNSM, "serve", "--help"});
  ASSERT_TRUE(help.ok()) << help.status();
  EXPECT_EQ(help->exit_code, kExitDone);
  EXPECT_TRUE(absl::StrContains(help->out, "Example:")) << help->out;

  const ChildProcess::Options options{.err = ChildProcess::Stream::kPipe};
  auto usage = RunToEnd({SEALFOLD_SOFTNSM, "serve", "--state", state_}, options);
  ASSERT_TRUE(usage.ok()) << usage.status();
  EXPECT_EQ(usage->exit_code, kExitUsage);
  EXPECT_TRUE(absl::StrContains(usage->err, "--socket")) << usage->err;

  auto bad =
      RunToEnd({SEALFOLD_SOFTNSM, "serve", "--state", dir_.Path("none/state"), "--socket", socket_},
               options);
  ASSERT_TRUE(bad.ok()) << bad.status();
  EXPECT_EQ(bad->exit_code, kExitBadInput);
  EXPECT_TRUE(absl::StrContains(bad->err, "authority_directory")) << bad->err;
}

}  // namespace
}  // namespace sealfold
