// Rounds whose plan compresses the updates.
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;

const UpdateEncoding kEncodings[] = {
    {.block_elements = 64},
    {.block_elements = 2048},
    {.kind = EncodingKind::kTopK, .block_elements = 1024, .kept = 100}};

SampleRun EncodedRun(const UpdateEncoding& encoding, uint64_t rows) {
  SampleRun run = SampleRun::Make();
  run.plan.update_encoding = encoding;
  run.plan.tensors[0].shape = {rows, 43};
  run.base_model = ModelFileHeader(run.plan.tensors);
  run.base_model.resize(ModelFileSizeBytes(run.plan.tensors));
  run.plan.staging_bytes_max = 2 * SealedUpdateBytes(run.plan);
  run.Sign();
  return run;
}

TEST(EncodedRoundTest, GivesTheModelOfTheElementsThatTheUpdatesStandFor) {
  for (const UpdateEncoding& encoding : kEncodings) {
    const SampleRun run = EncodedRun(encoding, 200);
    SampleHost host(run);
    std::vector<SampleUpdate> updates;
    for (size_t party = 0; party < 3; ++party) {
      updates.push_back(run.MakeUpdate(party));
      host.Upload(party, updates.back());
    }
    ASSERT_TRUE(host.round->over());
    EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
    EXPECT_NE(host.model_file, run.base_model);
    EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
  }
}

// Payloads of more than one staged piece, whose size is no multiple of the chunk's.
TEST(EncodedRoundTest, SoDoesALargeOneInChunksOfAnOddSize) {
  SampleRun run = EncodedRun({.block_elements = 64}, 110'000);
  run.plan.chunk_bytes = 100'032;
  run.plan.staging_bytes_max = SealedUpdateBytes(run.plan);
  run.Sign();
  ASSERT_GT(run.layout().size_bytes, 4u << 20);
  SampleHost host(run);
  std::vector<SampleUpdate> updates;
  for (size_t party = 0; party < 3; ++party) {
    updates.push_back(run.MakeUpdate(party));
    host.Upload(party, updates.back());
  }
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
}

TEST(EncodedRoundTest, AMalformedBlockInTheLastChunkLeavesNoTrace) {
  for (const UpdateEncoding& encoding : kEncodings) {
    const SampleRun run = EncodedRun(encoding, 200);
    SampleHost host(run);
    const Digest before = host.round->SumFingerprint();
    SampleUpdate wrong = run.MakeUpdate(0);
    // The payload's last block: its scale, or the greatest of its places.
    const bool int8 = encoding.kind == EncodingKind::kInt8Blocks;
    const PayloadLayout layout = run.layout();
    const PayloadLayout::Part& last = layout.parts.back();
    const uint64_t elements = last.elements % encoding.block_elements;
    const uint64_t block = layout.size_bytes - layout.encoding->block_bytes(last.dtype, elements);
    wrong.payload[int8 ? block + 3 : block + 2 * encoding.carried(elements) - 1] = 0xFF;
    SampleSender sender(run, 0, host.GetOffer(0), wrong, {});
    EXPECT_EQ(host.Code(0, sender.begin()), "");
    for (uint64_t i = 0; i + 1 < sender.chunk_count(); ++i) {
      EXPECT_EQ(host.Code(0, sender.chunk(i)), "");
    }
    std::vector<std::string> codes;
    for (const Message& message : host.Say(0, sender.chunk(sender.chunk_count() - 1))) {
      if (testing::TypeOf(message) != RefusedMessage::kType) continue;
      codes.push_back(testing::As<RefusedMessage>(message).code);
    }
    EXPECT_EQ(codes, std::vector<std::string>{int8 ? "block_scale_wrong" : "block_place_wrong"});
    EXPECT_EQ(host.round->SumFingerprint(), before);
  }
}

}  // namespace
}  // namespace sealfold
