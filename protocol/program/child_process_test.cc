#include "protocol/program/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

TEST(ChildProcessTest, ReadsLinesEnvironmentAndExitCode) {
  auto child = ChildProcess::Start({"sh", "-c", "echo one; echo $GREETING; printf three; exit 7"},
                                   {.environment = {{"GREETING", "two"}}});
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(child->ReadLine(), "one");
  EXPECT_EQ(child->ReadLine(), "two");
  EXPECT_EQ(child->ReadLine(), "three");
  EXPECT_EQ(child->ReadLine(), std::nullopt);
  EXPECT_FALSE(child->timed_out());
  EXPECT_EQ(child->Wait(), 7);
}

TEST(ChildProcessTest, AMissingProgramIsExplained) {
  auto child = ChildProcess::Start({"/nonexistent/program"}, {});
  EXPECT_EQ(ErrorCode(child.status()), "program_not_started");
}

TEST(ChildProcessTest, TimesOutIsKilledAndReportsTheSignal) {
  auto child = ChildProcess::Start({"cat"}, {.out = ChildProcess::Stream::kPipe});
  ASSERT_TRUE(child.ok());
  auto quiet = ChildProcess::Start({"sh", "-c", "exec sleep 1000"}, {});
  ASSERT_TRUE(quiet.ok());
  EXPECT_EQ(quiet->ReadLine(10), std::nullopt);
  EXPECT_TRUE(quiet->timed_out());
  EXPECT_TRUE(quiet->Running());
  quiet->Signal(SIGTERM);
  EXPECT_EQ(quiet->Wait(), 128 + SIGTERM);
  EXPECT_FALSE(quiet->Running());
}

TEST(ChildProcessTest, RunsToTheEndWithMoreOutputThanAPipeHolds) {
  auto result =
      RunToEnd({"sh", "-c", "head -c 300000 /dev/zero >&2; head -c 200000 /dev/zero; exit 3"});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out.size(), 200'000u);
  EXPECT_EQ(result->err.size(), 300'000u);
  EXPECT_EQ(result->exit_code, 3);
}

}  // namespace
}  // namespace sealfold
