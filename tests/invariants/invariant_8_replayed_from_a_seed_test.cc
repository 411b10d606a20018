// Invariant 8: protocol and round logic are state machines without sockets, clocks or randomness of
// their own, so any run can be replayed from a seed.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;

void Feed(Sha256Stream& all, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    all.Update(message.head);
    all.Update(message.bulk);
  }
}

// A whole round in an order that `seed` decides. The digest of every byte that came out of it.
Digest RunRound(uint64_t seed) {
  std::mt19937_64 rng(seed);
  const SampleRun run = SampleRun::Make();
  SampleHost host(run, {.start = run.FirstStart(), .seed = testing::SeedOf("round", seed)});
  Sha256Stream all;
  std::vector<std::vector<Message>> uploads;
  for (size_t party = 0; party < run.parties.size(); ++party) {
    uploads.push_back(testing::SealUpload(run, party, host.GetOffer(party),
                                          run.MakeUpdate(seed + party),
                                          testing::SeedOf("ephemeral", seed + party)));
  }
  std::vector<size_t> next(uploads.size(), 0);
  while (!host.record_file.has_value()) {
    const size_t party = rng() % uploads.size();
    host.now_ms += rng() % 10;
    const bool more = next[party] < uploads[party].size();
    Feed(all, host.Say(party, more ? uploads[party][next[party]++] : host.QueryOf(party)));
  }
  Feed(all, host.to_host);
  all.Update(host.model_file);
  return all.Peek();
}

TEST(ReplayTest, ARoundIsAFunctionOfItsSeed) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  EXPECT_EQ(RunRound(seed), RunRound(seed));
  EXPECT_NE(RunRound(seed), RunRound(seed + 1));
}

// What core may not do is not there to be called: none of its sources names a clock, a socket, a
// file or randomness.
TEST(ReplayTest, CoreAndProtocolNameNoSourceOfChange) {
  // Held by the build for sockets (core links no ZeroMQ); for the rest the sources are read.
  const std::string root = std::string(SEALFOLD_TEST_DATA) + "/../../aggregator/core";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".cc" || path.find("_test.cc") != std::string::npos ||
        path.find("/testing/") != std::string::npos) {
      continue;
    }
    ++files;
    std::ifstream in(path);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    for (const char* word :
         {"std::chrono", "clock_gettime", "gettimeofday", "std::random", "randombytes",
          "base/random.h", "getrandom", "socket(", "fopen", "fstream", "std::rand"}) {
      EXPECT_EQ(text.find(word), std::string::npos) << path << " names " << word;
    }
  }
  EXPECT_GT(files, 5u);
}

}  // namespace
}  // namespace sealfold
