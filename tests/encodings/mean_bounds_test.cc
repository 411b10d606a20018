// How far the aggregator's mean may be from that of what participants computed: their update files,
// their encoder, the fold.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "aggregator/core/encoded/encoded_payload.h"
#include "aggregator/core/fold/finish_mean.h"
#include "aggregator/core/fold/fold.h"
#include "participant-client/update/encoded_update.h"
#include "protocol/crypto/random_stream.h"
#include "protocol/model/element.h"
#include "protocol/testing/temp_dir.h"
#include "tests/encodings/bounds.h"

namespace sealfold {
namespace {

using testing_encodings::Int8Bound;
using testing_encodings::RoundingBound;
using testing_encodings::Seed;
using testing_encodings::TopKBound;

constexpr size_t kElements = 5000;  // several chunks, a last block that is short

// The fold's sum over any number of updates, and what it is to be compared with.
struct Mean {
  std::vector<double> found;
  std::vector<long double> exact;
  std::vector<long double> bound;  // without error_max
  double error_max = 0;
};

class MeanBoundsTest : public ::testing::Test {
 protected:
  void Agree(Dtype dtype, double range, std::optional<UpdateEncoding> encoding) {
    plan_.tensors = {{.name = "w", .dtype = dtype, .shape = {kElements}}};
    plan_.range = range;
    plan_.weight_max = Weight(1000);
    plan_.chunk_bytes = 4096;
    plan_.update_encoding = encoding;
  }

  // What a participant's program leaves: `update`, rounded to the plan's dtype.
  UpdateFile Write(const std::vector<float>& update) {
    Bytes bytes = ModelFileHeader(plan_.tensors);
    const size_t size = DtypeSizeBytes(dtype());
    Bytes elements(update.size() * size);
    for (size_t i = 0; i < update.size(); ++i) {
      WriteElement(dtype(), update[i], &elements[i * size]);
    }
    Append(bytes, elements);
    const std::string path = folder_.Path("update.safetensors");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << AsText(bytes);
    auto file = UpdateFile::Open(path, plan_);
    SEALFOLD_CHECK(file.ok() && file->CheckValues().ok());
    return *std::move(file);
  }

  // The payload that it sends; stochastic rounding is drawn anew.
  Bytes Encode(UpdateFile& file) {
    std::optional<EncodedUpdate> encoded;
    PayloadSource* source = &file;
    if (plan_.update_encoding.has_value()) {
      Secret seed(kRandomStreamSeedSize);
      for (uint8_t& byte : seed.mutable_span()) byte = static_cast<uint8_t>(random_());
      source = &encoded.emplace(file, plan_, std::move(seed));
    }
    Bytes payload;
    Bytes room(plan_.chunk_bytes);
    for (uint64_t at = 0; at < source->size_bytes(); at += plan_.chunk_bytes) {
      const uint64_t size = std::min(plan_.chunk_bytes, source->size_bytes() - at);
      Append(payload, source->Read(at, absl::MakeSpan(room).first(size)));
    }
    return payload;
  }

  void Fold(const Bytes& payload, double scale, std::vector<int64_t>& sum) const {
    const FoldInput input{.elements = payload, .scale = scale};
    const PayloadLayout layout = plan_.payload_layout();
    const Grid grid = MakeGrid();
    if (layout.encoding.has_value()) {
      ASSERT_EQ(FoldEncoded(FoldInto::kAdd, layout, grid, 0, {&input, 1}, absl::MakeSpan(sum)), 0u);
    } else {
      ASSERT_EQ(
          sealfold::Fold(FoldInto::kAdd, dtype(), {&input, 1}, grid.range(), absl::MakeSpan(sum)),
          0u);
    }
  }

  // The bounds of one update's elements, of the rounding to the dtype and then of the encoding.
  std::vector<long double> BoundsOf(const std::vector<float>& update,
                                    const UpdateFile& file) const {
    std::vector<long double> out;
    std::vector<double> rounded;
    const ByteSpan elements = file.Elements(0, 0, update.size());
    for (size_t i = 0; i < update.size(); ++i) {
      out.push_back(RoundingBound(dtype(), update[i]));
      rounded.push_back(ReadElement(dtype(), &elements[i * DtypeSizeBytes(dtype())]));
    }
    if (!plan_.update_encoding.has_value()) return out;
    const UpdateEncoding& encoding = *plan_.update_encoding;
    for (size_t first = 0; first < rounded.size(); first += encoding.block_elements) {
      const auto block = absl::MakeConstSpan(rounded).subspan(first, encoding.block_elements);
      long double bound = 0;
      if (encoding.kind == EncodingKind::kTopK) {
        bound = TopKBound(block, encoding.carried(block.size()));
      } else {
        double greatest = 0;
        for (const double x : block) greatest = std::max(greatest, std::abs(x));
        bound = Int8Bound(greatest);
      }
      for (size_t i = 0; i < block.size(); ++i) out[first + i] += bound;
    }
    return out;
  }

  Mean MeanOf(const std::vector<std::vector<float>>& updates,
              const std::vector<uint64_t>& weights) {
    const Grid grid = MakeGrid();
    std::vector<int64_t> sum(plan_.payload_layout().sum_elements);
    Mean out{.found = {},
             .exact = std::vector<long double>(kElements),
             .bound = std::vector<long double>(kElements)};
    uint64_t weight_sum = 0;
    for (size_t k = 0; k < updates.size(); ++k) {
      UpdateFile file = Write(updates[k]);
      Fold(Encode(file), grid.Scale(Weight(weights[k])), sum);
      const std::vector<long double> bounds = BoundsOf(updates[k], file);
      const auto weight = static_cast<long double>(weights[k]);
      for (size_t i = 0; i < kElements; ++i) {
        out.exact[i] += weight * updates[k][i];
        out.bound[i] += weight * bounds[i];
      }
      weight_sum += weights[k];
    }
    for (size_t i = 0; i < kElements; ++i) {
      out.found.push_back(static_cast<double>(sum[i]) * grid.step() /
                          static_cast<double>(weight_sum));
      out.exact[i] /= static_cast<long double>(weight_sum);
      out.bound[i] /= static_cast<long double>(weight_sum);
    }
    out.error_max = grid.MeanErrorMax(updates.size(), weight_sum);
    // As the aggregator finishes it, from a base of zeros.
    Bytes model(kElements * 4);
    FinishMean(Dtype::kF32, absl::MakeConstSpan(sum).first(kElements), grid.step(), weight_sum, 1.0,
               Bytes(kElements * 4), absl::MakeSpan(model));
    for (size_t i = 0; i < kElements; ++i) {
      EXPECT_EQ(ReadElement(Dtype::kF32, &model[i * 4]), static_cast<float>(out.found[i]));
    }
    return out;
  }

  // An update with elements of any size and, the same in every update, ties, stretches of one size,
  // zeros and both ends of the range.
  std::vector<float> AnyUpdate() {
    const auto end = static_cast<float>(plan_.range);
    std::vector<float> out(kElements);
    for (float& x : out) {
      x = end * (static_cast<float>(random_() % (1u << 24)) / (1u << 23) - 1);
      if (random_() % 4 == 0) x = std::ldexp(x, -static_cast<int>(random_() % 60));
    }
    for (size_t i = 0; i < 64; ++i) {
      const int down = static_cast<int>(i) / 2;
      out[i] = std::ldexp(end / 4, -down);
      const float half = dtype() == Dtype::kF16 ? 0x1p-11F : 0x1p-8F;
      if (i % 2 == 0) out[i] = std::exp2(std::floor(std::log2(out[i]))) * (1 + half);
    }
    std::fill(out.begin() + 1024, out.begin() + 2048, end / 3);
    std::fill(out.begin() + 2048, out.begin() + 3072, 0.0F);
    out[3072] = end;
    out[3073] = -end;
    return out;
  }

  Dtype dtype() const { return plan_.tensors[0].dtype; }
  Grid MakeGrid() const { return *Grid::Make(plan_.range, plan_.weight_max); }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
  TempDir folder_;
  Plan plan_;
};

TEST_F(MeanBoundsTest, AreTheMeanOfTheElementsBoundsAndErrorMax) {
  const UpdateEncoding top_k{.kind = EncodingKind::kTopK, .block_elements = 256, .kept = 20};
  const UpdateEncoding int8{.block_elements = 64};
  // Ranges that the dtype has, so that nothing is rounded beyond them.
  const std::vector<std::pair<Dtype, std::vector<double>>> kRanges = {
      {Dtype::kF16, {0x1p-20, 2, 65504}},
      {Dtype::kBf16, {0x1p-90, 2, 0x1.9p99}},
      {Dtype::kF32, {0x1p-90, 2, 0x1.9p99}}};
  for (const auto& encoding : {std::optional<UpdateEncoding>(), {int8}, {top_k}}) {
    for (const auto& [dtype, ranges] : kRanges) {
      for (const double range : ranges) {
        SCOPED_TRACE(testing::Message()
                     << CborEnumNames(dtype)[static_cast<size_t>(dtype)] << ", " << range
                     << ", block of " << (encoding ? encoding->block_elements : 0));
        Agree(dtype, range, encoding);
        for (const size_t count : {1, 5}) {
          std::vector<std::vector<float>> updates;
          std::vector<uint64_t> weights;
          for (size_t k = 0; k < count; ++k) {
            updates.push_back(AnyUpdate());
            weights.push_back(1 + random_() % 1000);
          }
          const Mean mean = MeanOf(updates, weights);
          // What 64 bits lose of five terms of at most `range`.
          const long double slack = range * 0x1p-58L;
          for (size_t i = 0; i < kElements; ++i) {
            ASSERT_LE(std::abs(mean.found[i] - mean.exact[i]),
                      mean.bound[i] + mean.error_max + slack)
                << "element " << i << " of " << count;
          }
        }
      }
    }
  }
}

// Half-way between two multiples of the scale the variance of one draw is s^2 / 4. The mean square
// over thousands of independent elements is within a fiftieth or so of its expectation.
TEST_F(MeanBoundsTest, StochasticRoundingAveragesOut) {
  constexpr size_t kUpdates = 64;
  constexpr double kScale = 0x1p-10;
  Agree(Dtype::kF32, 2, UpdateEncoding{.block_elements = 64});
  std::vector<float> update(kElements);
  for (size_t i = 0; i < kElements; ++i) {
    const double steps = i % 64 == 0 ? 127 : static_cast<double>(random_() % 250) - 124.5;
    update[i] = static_cast<float>(steps * kScale);
  }
  const Mean mean =
      MeanOf(std::vector<std::vector<float>>(kUpdates, update), std::vector<uint64_t>(kUpdates, 7));
  double square = 0;
  double all = 0;
  size_t count = 0;
  for (size_t i = 0; i < kElements; ++i) {
    if (i % 64 == 0) {
      EXPECT_LE(std::abs(mean.found[i] - update[i]), mean.error_max);
      continue;
    }
    const double error = mean.found[i] - update[i];
    square += error * error;
    all += error;
    ++count;
  }
  const double variance = kScale * kScale / 4 / kUpdates;
  const auto elements = static_cast<double>(count);
  EXPECT_LE(square / elements, 1.2 * variance);
  EXPECT_LE(std::abs(all / elements), 8 * std::sqrt(variance / elements));
}

}  // namespace
}  // namespace sealfold
