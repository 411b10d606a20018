// The streams of publishing do not depend on how their input is cut.
#include <gtest/gtest.h>

#include <random>

#include "aggregator/core/batch/payload.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/publish/base_reader.h"
#include "aggregator/core/publish/model_stream.h"
#include "aggregator/core/publish/model_writer.h"
#include "aggregator/core/testing/sample_host.h"

namespace sealfold {
namespace {

using testing::As;
using testing::SampleRun;
using testing::SampleUpdate;
using testing::SeedOf;

// Cuts of `size` bytes: all of one length, or, for 0, of lengths from `random`.
std::vector<size_t> Cuts(size_t size, size_t length, std::mt19937_64& random) {
  std::vector<size_t> out;
  while (size > 0) {
    out.push_back(std::min<size_t>(size, length > 0 ? length : 1 + random() % 9000));
    size -= out.back();
  }
  return out;
}

class StreamTest : public ::testing::Test {
 protected:
  void Fold(const std::vector<SampleUpdate>& updates) {
    sum.assign(terms.layout.sum_elements, 0);
    weight_sum = 0;
    for (const SampleUpdate& update : updates) {
      const double scale = terms.grid.Scale(update.weight);
      ForEachRun(
          terms.layout, 0, update.payload.size(),
          [&](const TensorRun& r) {
            const FoldInput input{
                .elements = ByteSpan(update.payload).subspan(r.offset_bytes, r.size_bytes()),
                .scale = scale};
            sealfold::Fold(FoldInto::kAdd, r.dtype, {&input, 1}, terms.grid.range(),
                           absl::MakeSpan(sum).subspan(r.element_first, r.elements));
          },
          [](const PaddingRun&) {});
      weight_sum += update.weight.value();
    }
  }
  Bytes Stream(const std::vector<size_t>& cuts) const {
    ModelStream stream(terms, sum, weight_sum);
    Bytes out;
    ByteSpan rest = run.base_model;
    for (const size_t size : cuts) {
      EXPECT_FALSE(stream.complete());
      const absl::Status status =
          stream.Feed(rest.first(size), [&out](ByteSpan model) { Append(out, model); });
      EXPECT_TRUE(status.ok()) << status;
      rest.remove_prefix(size);
    }
    EXPECT_TRUE(stream.complete());
    return out;
  }

  SampleRun run = SampleRun::Make();
  RoundTerms terms = *RoundTerms::Open(run.FirstStart());
  std::vector<int64_t> sum;
  uint64_t weight_sum = 0;
};

TEST_F(StreamTest, ElementsCutAnywhereGiveTheSameModel) {
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(1), run.MakeUpdate(2)};
  Fold(updates);
  const Bytes expected = run.ExpectedModel(run.base_model, updates);
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  for (const size_t length : {1, 2, 3, 5, 7, 4095, 4096, 1 << 20, 0, 0, 0}) {
    EXPECT_EQ(Stream(Cuts(run.base_model.size(), length, random)), expected) << length;
  }
}

TEST_F(StreamTest, AModelOfMoreThanOneWorkingBuffer) {
  run.plan.tensors = {{.name = "h", .dtype = Dtype::kF16, .shape = {3}},
                      {.name = "f", .dtype = Dtype::kF32, .shape = {200'001}}};
  run.plan.staging_bytes_max = SealedUpdateBytes(run.plan);
  run.base_model = ModelFileHeader(run.plan.tensors);
  run.base_model.resize(ModelFileSizeBytes(run.plan.tensors));
  run.Sign();
  terms = *RoundTerms::Open(run.FirstStart());
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(1)};
  Fold(updates);
  std::mt19937_64 random(1);
  const Bytes expected = run.ExpectedModel(run.base_model, updates);
  EXPECT_EQ(Stream({run.base_model.size()}), expected);
  EXPECT_EQ(Stream(Cuts(run.base_model.size(), 300'001, random)), expected);
}

TEST_F(StreamTest, WhatIsSealedReadsBackHoweverItIsCut) {
  run.plan.delivery = Delivery::kSealed;
  run.Sign();
  terms = *RoundTerms::Open(run.FirstStart());
  RoundKeys keys = RoundKeys::Derive(SeedOf("round"), terms);
  std::mt19937_64 random(5);
  Bytes sealed;
  {
    ModelWriter writer(terms, keys);
    Actions actions;
    ByteSpan rest = run.base_model;
    for (const size_t size : Cuts(rest.size(), 0, random)) {
      writer.Write(rest.first(size), actions);
      rest.remove_prefix(size);
    }
    writer.Finish(actions);
    EXPECT_EQ(writer.digest(), Sha256(run.base_model));
    for (const Action& action : actions) {
      const Message& part = std::get<SendMessage>(action).message;
      EXPECT_EQ(As<ModelPart>(part).offset, sealed.size());
      Append(sealed, part.bulk);
    }
  }
  // The round after it, which reads this file.
  RoundTerms next = terms;
  next.round = Round(2);
  next.base_key_commitment = ModelKeyCommitment(keys.model_key().span());
  ASSERT_EQ(BaseFileSizeBytes(next), sealed.size());
  for (const size_t length : {1, 4096, 4112, 4113, 1 << 20, 0}) {
    BaseReader reader(next, keys.model_key());
    Bytes plain;
    ByteSpan rest = sealed;
    for (const size_t size : Cuts(rest.size(), length, random)) {
      ASSERT_TRUE(reader
                      .Feed(rest.first(size),
                            [&plain](ByteSpan bytes) {
                              Append(plain, bytes);
                              return absl::OkStatus();
                            })
                      .ok());
      rest.remove_prefix(size);
    }
    EXPECT_EQ(plain, run.base_model);
  }
}

}  // namespace
}  // namespace sealfold
