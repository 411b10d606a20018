// The program as it stands, against the software platform.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/testing/programs/processes.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

// Inodes of the sockets that a table of /proc/net lists.
std::set<std::string> Inodes(const std::string& table) {
  std::set<std::string> out;
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 10 && fields >> field; ++i) continue;
    out.insert(field);
  }
  return out;
}

TEST(AggregatorProgramTest, ServesWithoutAPortAndEndsOnSigterm) {
  const TempDir folder;
  const ChildProcess softnsm = StartSoftnsm(SEALFOLD_SOFTNSM, folder);
  ChildProcess aggregator =
      StartProcess({SEALFOLD_AGGREGATOR, "serve", "--host-link", "ipc://" + folder.Path("link"),
                    "--attester", folder.Path("nsm.sock")});
  ASSERT_EQ(ReadTestLine(aggregator), "ready");

  const std::string proc = absl::StrCat("/proc/", aggregator.pid());
  std::set<std::string> sockets;
  for (const auto& fd : std::filesystem::directory_iterator(proc + "/fd")) {
    const std::string target = std::filesystem::read_symlink(fd.path()).string();
    if (absl::StartsWith(target, "socket:[")) sockets.insert(target.substr(8, target.size() - 9));
  }
  EXPECT_FALSE(sockets.empty());  // the device
  for (const char* table : {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}) {
    for (const std::string& inode : Inodes(absl::StrCat(proc, "/net/", table))) {
      EXPECT_FALSE(sockets.contains(inode)) << table;
    }
  }
  std::ifstream limits(proc + "/limits");
  std::string line;
  while (std::getline(limits, line)) {
    if (!absl::StartsWith(line, "Max core file size")) continue;
    EXPECT_TRUE(absl::StartsWith(line, "Max core file size        0")) << line;
  }
  aggregator.Signal(SIGTERM);
  EXPECT_EQ(aggregator.Wait(), kExitDone);
}

TEST(AggregatorProgramTest, ExitCodesSayWhatIsWrong) {
  const auto code = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SEALFOLD_AGGREGATOR);
    return RunToEnd(arguments,
                    {.out = ChildProcess::Stream::kNull, .err = ChildProcess::Stream::kNull})
        ->exit_code;
  };
  EXPECT_EQ(code({"--help"}), kExitDone);
  EXPECT_EQ(code({}), kExitUsage);
  EXPECT_EQ(code({"serve"}), kExitUsage);
  const TempDir folder;
  const std::string link = "ipc://" + folder.Path("link");
  const std::string none = folder.Path("none");
  EXPECT_EQ(code({"serve", "--host-link", "tcp://127.0.0.1:1", "--attester", none}), kExitBadInput);
  EXPECT_EQ(code({"serve", "--host-link", link, "--attester", none}), kExitNetwork);
  EXPECT_EQ(code({"serve", "--host-link", link, "--attester", none, "--platform", "no-such"}),
            kExitRefused);
  for (const std::string& device : {none, std::string("/dev/null")}) {  // what is no NSM
    EXPECT_EQ(code({"serve", "--host-link", link, "--attester", device, "--platform", "aws-nitro"}),
              kExitNetwork);
  }
}

}  // namespace
}  // namespace sealfold
