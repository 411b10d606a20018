// Every command in the pages is run: the hospital's guide and the example's page here, block by
// block in one shell; the verbs of ./run that pages name are those that ./run has. The refusals
// that the specification lists are those that the sources make.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr size_t kPageBytesMax = 1 << 20;
const char* const kPages[] = {"README.md",
                              "CONTRIBUTING.md",
                              "docs/hospital.md",
                              "docs/ATTESTATION.md",
                              "examples/hospitals/README.md",
                              "examples/two-hospitals/README.md"};

std::string Source(const std::string& path) { return absl::StrCat(SEALFOLD_SOURCE, "/", path); }

#ifdef SEALFOLD_TPM
constexpr bool kTpm = true;
#else
constexpr bool kTpm = false;
#endif

// The lines of all blocks of a page that `wanted` accepts, in order.
template <class Wanted>
std::vector<std::string> Lines(const std::string& page, Wanted wanted) {
  absl::StatusOr<std::string> text = ReadFile(Source(page), kPageBytesMax);
  EXPECT_TRUE(text.ok()) << text.status();
  std::vector<std::string> lines;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (absl::StartsWith(line, "```")) {
      inside = wanted(line.substr(3));
    } else if (inside) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

// Those of ```sh blocks; and of those that need a TPM, where the build asks one.
std::vector<std::string> Commands(const std::string& page) {
  return Lines(
      page, [](absl::string_view block) { return block == "sh" || (kTpm && block == "sh tpm"); });
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

// Files that people have from elsewhere: event logs and revocation lists.
constexpr char kGetFiles[] = R"(
cp $SEEDS/fuzz_event_log/boot good.log
cp $SEEDS/fuzz_event_log/boot suspect.log
cp $SEEDS/fuzz_revocation_list/list root.crl
cp $SEEDS/fuzz_revocation_list/list region.crl
)";

// A machine's TPM at $TPM, and what people read off it.
constexpr char kStartTpm[] = R"sh(
mkdir tpm
swtpm socket --tpm2 --tpmstate dir=tpm --server type=unixio,path=tpm/s --ctrl type=unixio,path=tpm/s.ctrl \
  --flags not-need-init,startup-clear &
until [ -S tpm/s ] && [ -S tpm/s.ctrl ]; do sleep 0.1; done
TPM=swtpm:path=tpm/s
# swtpm may drop a connection that comes while it still closes the last: exit code 4.
sealfold-attest() {
  local code try
  for try in $(seq 50); do
    code=0
    command sealfold-attest "$@" || code=$?
    [ $code -eq 4 ] || return $code
    sleep 0.1
  done
  return $code
}
ENDORSEMENT_KEY=$(sealfold-attest enrol request --tpm $TPM --out tpm/request --json |
  sed -n 's/.*"endorsement_key":"\([0-9a-f]*\)".*/\1/p')
)sh";

// Runs a page's commands as one script, in a copy of the source's layout that has what they refer
// to. What builds is left out: it is what made this test.
void RunPage(const std::string& page) {
  const TempDir directory;
  const std::string& folder = directory.path();
  std::filesystem::create_directory(folder + "/examples");
  std::filesystem::create_directory_symlink(Source("examples/hospitals"),
                                            folder + "/examples/hospitals");
  std::filesystem::create_directory(folder + "/tests");
  std::filesystem::create_directory_symlink(Source("tests/data"), folder + "/tests/data");
  std::string script = absl::StrCat("set -euo pipefail\nexport PATH=", SEALFOLD_PROGRAMS,
                                    ":$PATH\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n");
  absl::StrAppend(&script, "SEEDS=", Source("tests/fuzz/corpus"), kGetFiles);
  const std::vector<std::string> commands = Commands(page);
  if (absl::StrContains(absl::StrJoin(commands, "\n"), "$TPM")) {
    absl::StrAppend(&script, kStartTpm);
  }
  for (const std::string& line : commands) {
    if (absl::StartsWith(line, "./run ") || absl::StrContains(line, "$PWD/build/bin") ||
        absl::StartsWith(line, "cmake ")) {
      continue;
    }
    absl::StrAppend(&script, line, "\n");
  }
  script = absl::StrReplaceAll(script, {{":7700", ":" + FreePort()},
                                        {"8441", FreePort()},
                                        {"8442", FreePort()},
                                        {":8443", ":" + FreePort()}});
  absl::StatusOr<ProgramResult> result = RunToEnd({"bash", "-c", script}, {.directory = folder});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 0) << script << "\n--- stdout\n"
                                  << result->out << "\n--- stderr\n"
                                  << result->err;
}

TEST(DocsTest, TheHospitalsGuideWorksAsWritten) { RunPage("docs/hospital.md"); }

TEST(DocsTest, ThePageOnAttestationWorksAsWritten) { RunPage("docs/ATTESTATION.md"); }

TEST(DocsTest, TheExamplesPageWorksAsWritten) { RunPage("examples/hospitals/README.md"); }

TEST(DocsTest, ThePageOfTwoHospitalsWorksAsWritten) { RunPage("examples/two-hospitals/README.md"); }

// What serves until it is ended, and needs a study or a platform that is not here, gets past its
// command line: anything but a usage error.
TEST(DocsTest, WhatServesTakesTheOptionsThatPagesGiveIt) {
  size_t commands = 0;
  for (const char* page : kPages) {
    const std::string block =
        absl::StrJoin(Lines(page, [](absl::string_view name) { return name == "sh serve"; }), "\n");
    for (absl::string_view command :
         absl::StrSplit(absl::StrReplaceAll(block, {{"\\\n", ""}}), '\n', absl::SkipEmpty())) {
      const TempDir directory;
      absl::StatusOr<ProgramResult> result = RunToEnd(
          {"bash", "-c", absl::StrCat("PATH=", SEALFOLD_PROGRAMS, ":$PATH timeout 10 ", command)},
          {.directory = directory.path(),
           .out = ChildProcess::Stream::kPipe,
           .err = ChildProcess::Stream::kPipe});
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_NE(result->exit_code, kExitUsage) << command << "\n" << result->err;
      EXPECT_LT(result->exit_code, 126) << command << "\n" << result->err;
      ++commands;
    }
  }
  EXPECT_GE(commands, 2u);
}

TEST(DocsTest, TheFrontPageNamesEveryOther) {
  const std::string front = *ReadFile(Source("README.md"), kPageBytesMax);
  size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(Source("docs"))) {
    if (entry.path().extension() != ".md") continue;
    const std::string name = absl::StrCat("`docs/", entry.path().filename().string(), "`");
    EXPECT_TRUE(absl::StrContains(front, name)) << name;
    ++pages;
  }
  EXPECT_GT(pages, 5u);
}

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

// The codes in the first column of the tables of PROTOCOL.md, section 8; "cbor_*" stands for all
// that begin so.
std::set<std::string> SpecifiedCodes() {
  const std::string page = *ReadFile(Source("docs/PROTOCOL.md"), kPageBytesMax);
  const size_t from = page.find("\n## 8. ");
  std::set<std::string> codes;
  for (absl::string_view line :
       absl::StrSplit(page.substr(from, page.find("\n## 9. ") - from), '\n')) {
    if (!absl::StartsWith(line, "| `")) continue;
    const std::vector<absl::string_view> column =
        absl::StrSplit(line.substr(2, line.find(" |", 2) - 2), ", ");
    for (absl::string_view code : column) codes.emplace(absl::StripSuffix(code.substr(1), "`"));
  }
  return codes;
}

// The text of all sources below `folders` that are no tests.
std::string Sources(const std::vector<std::string>& folders) {
  std::string all;
  for (const std::string& folder : folders) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(Source(folder))) {
      const std::string path = file.path();
      if (absl::StrContains(path, "/testing/") || absl::EndsWith(path, "_test.cc")) continue;
      if (!absl::EndsWith(path, ".cc") && !absl::EndsWith(path, ".h")) continue;
      absl::StrAppend(&all, *ReadFile(path, kPageBytesMax), "\n");
    }
  }
  return all;
}

TEST(DocsTest, EveryRefusalOfTheSpecificationIsInTheSources) {
  const std::string sources = Sources({"protocol", "attest", "aggregator"});
  const std::set<std::string> codes = SpecifiedCodes();
  EXPECT_GT(codes.size(), 40u);
  for (const std::string& code : codes) {
    const std::string literal = absl::EndsWith(code, "*")
                                    ? absl::StrCat("\"", code.substr(0, code.size() - 1))
                                    : absl::StrCat("\"", code, "\"");
    EXPECT_TRUE(absl::StrContains(sources, literal)) << code;
  }
}

// Codes are the only texts in these sources that look like one.
TEST(DocsTest, EveryRefusalOfTheSourcesIsInTheSpecification) {
  // The host's about its own files, and the names of an encoding and a field.
  const std::set<std::string> own = {
      "file_unusable",          "state_damaged",        "state_in_use",
      "state_of_another_plan",  "model_wrong",          "model_part_unexpected",
      "result_incomplete",      "result_wrong",         "top_k",
      "aggregator_state_unfit", "model_key_commitment", "identity_from_unfit",
      "identity_from_late",     "release_unfit"};
  const std::set<std::string> codes = SpecifiedCodes();
  const std::string sources = absl::StrCat(
      Sources({"aggregator/core"}), *ReadFile(Source("aggregator/host/run/run.cc"), kPageBytesMax),
      *ReadFile(Source("aggregator/host/run/run_store.cc"), kPageBytesMax),
      *ReadFile(Source("aggregator/host/run/state_files.cc"), kPageBytesMax),
      *ReadFile(Source("aggregator/host/serve/host.cc"), kPageBytesMax));
  const std::regex literal("\"([a-z]+(_[a-z]+)+)\"|\\.code = \"([a-z]+)\"");
  size_t found = 0;
  for (std::sregex_iterator match(sources.begin(), sources.end(), literal), end; match != end;
       ++match, ++found) {
    const std::string code = (*match)[1].matched ? (*match)[1] : (*match)[3];
    const std::string family = absl::StrCat(code.substr(0, code.find('_')), "_*");
    EXPECT_TRUE(codes.count(code) + codes.count(family) + own.count(code) > 0) << code;
  }
  EXPECT_GT(found, 40u);
}

}  // namespace
}  // namespace sealfold
