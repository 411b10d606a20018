// Every command in the pages is run: the hospital's guide and the example's page here, block by
// block in one shell; the verbs of ./run that pages name are those that ./run has.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr size_t kPageBytesMax = 1 << 20;
const char* const kPages[] = {"README.md", "CONTRIBUTING.md", "docs/hospital.md",
                              "examples/hospitals/README.md"};

std::string Source(const std::string& path) { return absl::StrCat(SEALFOLD_SOURCE, "/", path); }

// The lines of all ```sh blocks of a page, in order.
std::vector<std::string> Commands(const std::string& page) {
  absl::StatusOr<std::string> text = ReadFile(Source(page), kPageBytesMax);
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<std::string> lines;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::StartsWith(line, "```")) {
      inside = line == "```sh";
    } else if (inside) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

// A port that was free a moment ago.
std::string FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return absl::StrCat(ntohs(address.sin_port));
}

// Runs a page's commands as one script, in a copy of the source's layout that has what they refer
// to. What builds is left out: it is what made this test.
void RunPage(const std::string& page) {
  const TempDir directory;
  const std::string& folder = directory.path();
  std::filesystem::create_directory(folder + "/examples");
  std::filesystem::create_directory_symlink(Source("examples/hospitals"),
                                            folder + "/examples/hospitals");
  std::string script = absl::StrCat("set -euo pipefail\nexport PATH=", SEALFOLD_PROGRAMS,
                                    ":$PATH\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
  for (const std::string& line : Commands(page)) {
    if (absl::StartsWith(line, "./run ") || absl::StrContains(line, "$PWD/build/bin") ||
        absl::StartsWith(line, "cmake ")) {
      continue;
    }
    absl::StrAppend(&script, line, "\n");
  }
  script = absl::StrReplaceAll(script, {{":7700", ":" + FreePort()}});
  absl::StatusOr<ProgramResult> result = RunToEnd({"bash", "-c", script}, {.directory = folder});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 0) << script << "\n--- stdout\n"
                                  << result->out << "\n--- stderr\n"
                                  << result->err;
}

TEST(DocsTest, TheHospitalsGuideWorksAsWritten) { RunPage("docs/hospital.md"); }

TEST(DocsTest, TheExamplesPageWorksAsWritten) { RunPage("examples/hospitals/README.md"); }

TEST(DocsTest, PagesNameOnlyVerbsThatRunHas) {
  absl::StatusOr<ProgramResult> help = RunToEnd({Source("run"), "help"});
  ASSERT_TRUE(help.ok());
  size_t named = 0;
  for (const char* page : kPages) {
    for (const std::string& line : Commands(page)) {
      if (!absl::StartsWith(line, "./run ")) continue;
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      EXPECT_TRUE(absl::StrContains(help->out, absl::StrCat("\n  ", words[1], " ")) ||
                  absl::StrContains(help->out, absl::StrCat("\n  ", words[1], "  ")))
          << page << ": " << line;
      ++named;
    }
  }
  EXPECT_GT(named, 5u);
}

}  // namespace
}  // namespace sealfold
