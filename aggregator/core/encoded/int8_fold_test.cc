// The kernels of int8 blocks against the plain ones, with the factors that are hard to round.
#include "aggregator/core/encoded/int8_fold.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "aggregator/core/encoded/int8_reference.h"
#include "aggregator/core/fold/testing_fold.h"

namespace sealfold {
namespace {

using testing_fold::Seed;
using testing_fold::Targets;
using testing_fold::UseTarget;

const uint32_t kScaleBitsMax = Int8ScaleBitsMax(1e30);

class Int8FoldTest : public ::testing::Test {
 protected:
  // A positive whole number of at most `bits` bits.
  uint64_t Whole(int bits) { return 1 + random_() % ((uint64_t{1} << (1 + random_() % bits)) - 1); }

  // Scales such that the product's last place is 2^`place`, or a little more, and below 2^44.
  struct Scales {
    uint32_t block_bits;
    double update;
  };
  Scales ScalesWithPlace(int place) {
    const int block_place = static_cast<int>(random_() % 60) - 50;
    const auto block = static_cast<double>(Whole(17));
    auto update = static_cast<double>(Whole(29));
    while (std::ldexp(block * update, place) >= 0x1p44) update = std::floor(update / 2);
    if (update == 0) update = 1;
    return {
        .block_bits = std::bit_cast<uint32_t>(static_cast<float>(std::ldexp(block, block_place))),
        .update = std::ldexp(update, place - block_place)};
  }

  // Blocks of which most have `scales.block_bits`, some another power of two times it or zero.
  Bytes Blocks(uint64_t block_elements, uint64_t elements, const Scales& scales) {
    Bytes out;
    for (uint64_t left = elements; left > 0;) {
      const uint64_t count = std::min(left, block_elements);
      uint32_t bits = scales.block_bits;
      const uint64_t kind = random_() % 8;
      if (kind == 0) bits = 0;
      if (kind == 1) bits -= (1 + random_() % 8) << 23;
      const auto* const raw = reinterpret_cast<const uint8_t*>(&bits);
      out.insert(out.end(), raw, raw + kInt8ScaleBytes);
      for (uint64_t i = 0; i < count; ++i) {
        out.push_back(bits == 0 ? 0 : static_cast<uint8_t>(random_() % 255 - 127));
      }
      left -= count;
    }
    return out;
  }

  // What the kernels make of updates, and what the plain ones do.
  void ExpectAlike(uint64_t block_elements, uint64_t elements, const std::vector<Bytes>& updates,
                   const std::vector<double>& scales) {
    std::vector<FoldInput> inputs;
    for (size_t k = 0; k < updates.size(); ++k) {
      inputs.push_back({.elements = updates[k], .scale = scales[k]});
    }
    std::vector<int64_t> before(elements);
    for (int64_t& s : before) s = static_cast<int64_t>(random_());
    std::vector<int64_t> sum = before;
    std::vector<int64_t> expected = before;
    ASSERT_EQ(FoldInt8(FoldInto::kAdd, block_elements, kScaleBitsMax, inputs, absl::MakeSpan(sum)),
              0u);
    int8_reference::FoldInt8(FoldInto::kAdd, block_elements, kScaleBitsMax, inputs,
                             absl::MakeSpan(expected));
    ASSERT_EQ(sum, expected);
    FoldInt8(FoldInto::kSubtract, block_elements, kScaleBitsMax, inputs, absl::MakeSpan(sum));
    ASSERT_EQ(sum, before);
  }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
};

// Terms half way between two whole numbers, whole ones, none of both, and such that only a few go
// together below 2^51.
TEST_F(Int8FoldTest, EqualsTheReferenceWhateverTheFactorsAre) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const uint64_t block_elements : {32, 64, 512, 2048}) {
      for (const size_t count : {1, 2, 3, 8, 13}) {
        for (int place = -12; place <= 32; ++place) {
          const uint64_t blocks = 1 + random_() % (1536 / block_elements + 1);
          std::vector<Bytes> updates;
          std::vector<double> scales;
          for (size_t k = 0; k < count; ++k) {
            const Scales now = ScalesWithPlace(place);
            updates.push_back(Blocks(block_elements, blocks * block_elements, now));
            scales.push_back(now.update);
          }
          ExpectAlike(block_elements, blocks * block_elements, updates, scales);
        }
      }
    }
  }
}

// -128 is no element, but it was folded before it is found out: what it added depends on no other
// update, whatever its factor is, and is taken out again.
TEST_F(Int8FoldTest, AWrongElementIsTakenOutExactly) {
  constexpr uint64_t kElements = 256;
  constexpr size_t kUpdates = 4;
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (int i = 0; i < 100; ++i) {
      const int place = static_cast<int>(random_() % 5) - 10;
      std::vector<Bytes> updates;
      std::vector<FoldInput> inputs;
      for (size_t k = 0; k < kUpdates; ++k) {
        const Scales now = ScalesWithPlace(place);
        Bytes update = Blocks(kElements, kElements, now);
        std::memcpy(update.data(), &now.block_bits, kInt8ScaleBytes);
        if (k == 1) std::fill(update.begin() + kInt8ScaleBytes, update.end(), 0x80);
        updates.push_back(std::move(update));
        inputs.push_back({.elements = updates.back(), .scale = now.update});
      }
      std::vector<int64_t> sum(kElements);
      std::vector<int64_t> expected(kElements);
      ASSERT_EQ(FoldInt8(FoldInto::kAdd, kElements, kScaleBitsMax, inputs, absl::MakeSpan(sum)),
                1u << 1);
      FoldInt8(FoldInto::kSubtract, kElements, kScaleBitsMax, {&inputs[1], 1}, absl::MakeSpan(sum));
      for (const size_t k : {0, 2, 3}) {
        int8_reference::FoldInt8(FoldInto::kAdd, kElements, kScaleBitsMax, {&inputs[k], 1},
                                 absl::MakeSpan(expected));
      }
      ASSERT_EQ(sum, expected);
    }
  }
}

// Of two wrong updates neither hides what the other one does to the sum: one has an element under a
// scale of zero, the other a scale that is no number.
TEST_F(Int8FoldTest, TwoWrongUpdatesAreTakenOutExactly) {
  constexpr uint64_t kElements = 64;
  constexpr uint32_t kNan = 0x7FC00000;
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const size_t first : {0, 1, 2}) {
      const Scales scales = ScalesWithPlace(-20);
      std::vector<Bytes> updates;
      for (size_t k = 0; k < 4; ++k) updates.push_back(Blocks(kElements, kElements, scales));
      std::fill_n(updates[first].begin(), kInt8ScaleBytes, 0);
      updates[first][kInt8ScaleBytes] = 1;
      std::memcpy(updates[first + 1].data(), &kNan, kInt8ScaleBytes);
      std::vector<FoldInput> inputs;
      for (const Bytes& update : updates) {
        inputs.push_back({.elements = update, .scale = scales.update});
      }
      std::vector<int64_t> sum(kElements);
      std::vector<int64_t> expected(kElements);
      ASSERT_EQ(FoldInt8(FoldInto::kAdd, kElements, kScaleBitsMax, inputs, absl::MakeSpan(sum)),
                uint64_t{3} << first);
      for (size_t k = 0; k < inputs.size(); ++k) {
        if (k == first || k == first + 1) {
          FoldInt8(FoldInto::kSubtract, kElements, kScaleBitsMax, {&inputs[k], 1},
                   absl::MakeSpan(sum));
        } else {
          int8_reference::FoldInt8(FoldInto::kAdd, kElements, kScaleBitsMax, {&inputs[k], 1},
                                   absl::MakeSpan(expected));
        }
      }
      ASSERT_EQ(sum, expected);
    }
  }
}

// 8 * 127 * 2^44 is more than a sum rounded as a whole may hold; with one update it is not.
TEST_F(Int8FoldTest, TheGreatestTermsOfManyUpdatesAddUp) {
  constexpr uint64_t kElements = 64;
  const Scales greatest{.block_bits = std::bit_cast<uint32_t>(1.0F), .update = 0x1p44};
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const uint8_t element : {127, 256 - 127}) {
      Bytes update = Blocks(kElements, kElements, greatest);
      std::memcpy(update.data(), &greatest.block_bits, kInt8ScaleBytes);
      std::fill(update.begin() + kInt8ScaleBytes, update.end(), element);
      ExpectAlike(kElements, kElements, std::vector<Bytes>(8, update),
                  std::vector<double>(8, greatest.update));
    }
  }
}

// A tensor's last block has any number of elements.
TEST_F(Int8FoldTest, EqualsTheReferenceInAShortBlock) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (uint64_t elements = 1; elements < 300; elements += 1 + random_() % 5) {
      const Scales now = ScalesWithPlace(-1);
      ExpectAlike(512, elements, std::vector<Bytes>(4, Blocks(512, elements, now)),
                  std::vector<double>(4, now.update));
    }
  }
}

}  // namespace
}  // namespace sealfold
