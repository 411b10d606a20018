// The aggregator's peak is one model of int64 and what the plan allows to be staged, whatever the
// number of participants.
#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <string>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"
#include "protocol/testing/sanitized.h"

namespace sealfold {
namespace {

using testing::Encode;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SeedOf;

// A line of /proc/self/status, in bytes.
uint64_t StatusBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    uint64_t kib = 0;
    if (word == name + ":" && status >> kib) return kib << 10;
  }
  return 0;
}

// Peak growth of a round with this many participants, of whom all upload at once, chunk by chunk in
// turn.
uint64_t PeakGrowth(size_t parties) {
  SampleRun run = SampleRun::Make(parties);
  run.plan.tensors = {{.name = "big", .dtype = Dtype::kF32, .shape = {4'000'000}}};
  run.plan.chunk_bytes = 1 << 18;
  run.plan.staging_bytes_max = 2 * SealedUpdateBytes(run.plan);
  run.base_model = ModelFileHeader(run.plan.tensors);
  run.Sign();  // the round is not published here, so the base model may be anything
  SampleHost host(run);
  const Offer offer = host.GetOffer(0);
  std::vector<EnvelopeSender> senders;
  for (size_t party = 0; party < parties; ++party) {
    senders.push_back(*EnvelopeSender::Make(run.plan,
                                            SampleSender::HeaderFor(run, party, offer, {}),
                                            offer.hpke_key, {.weight = Weight(1), .model_key = {}},
                                            run.parties[party].key, SeedOf("ephemeral", party)));
  }
  const Bytes plain(run.plan.chunk_bytes);
  Bytes sealed;
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts from here
  const uint64_t before = StatusBytes("VmRSS");
  for (size_t party = 0; party < parties; ++party) {
    host.Say(party,
             Encode(Begin{.header = senders[party].signed_header()}, senders[party].sealed_head()));
  }
  // Two have room at a time; the last participant stays out, so that the round stays open.
  for (size_t pair = 0; pair + 2 < parties; pair += 2) {
    for (uint64_t i = 0; i < senders[0].chunk_count(); ++i) {
      const uint64_t size = ChunkSizeBytes(run.layout().size_bytes, run.plan.chunk_bytes, i);
      for (const size_t party : {pair, pair + 1}) {
        sealed.resize(size + kAeadTagSize);
        senders[party].SealChunk(i, ByteSpan(plain).first(size), absl::MakeSpan(sealed));
        EXPECT_EQ(host.Code(party, Encode(Chunk{.participant = run.parties[party].key.public_key(),
                                                .index = i},
                                          sealed)),
                  "");
      }
    }
    host.to_host.clear();
  }
  return StatusBytes("VmHWM") - before;
}

TEST(MemoryBoundTest, DoesNotGrowWithTheNumberOfParticipants) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer keeps memory of its own";
  const uint64_t sum_bytes = 4'000'000 * 8;
  const uint64_t staging_bytes = 2 * 16'000'000;
  const uint64_t slack_bytes = 4 << 20;  // a few chunks, and the participants' states
  for (const size_t parties : {3, 11}) {
    const uint64_t peak = PeakGrowth(parties);
    EXPECT_LE(peak, sum_bytes + staging_bytes + slack_bytes) << parties << " participants";
    EXPECT_GE(peak, sum_bytes) << "nothing was measured";
  }
}

}  // namespace
}  // namespace sealfold
