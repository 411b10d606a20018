#include "attest/measure/eif/eif.h"

#include <gtest/gtest.h>

#include "attest/testing/forge/eif_builder.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kOffsets = 28;  // of the table in the header
constexpr size_t kSizes = kOffsets + 8 * kEifSectionsMax;
constexpr size_t kUnused = kSizes + 8 * kEifSectionsMax;

std::string CodeOf(const Bytes& file) { return ErrorCode(ParseEif(file).status()); }
std::string CodeWith(const std::function<void(EifSpec&)>& change) {
  EifSpec spec;
  change(spec);
  return CodeOf(BuildEif(spec));
}
std::string CodeDamaged(const std::function<void(Bytes&)>& damage) {
  return CodeOf(BuildEif({}, damage));
}

TEST(EifTest, ReadsWhatAFileSays) {
  EifSpec spec;
  spec.flags = 1;
  spec.sections.emplace_back(EifSectionType::kMetadata, ToBytes(AsBytes("{}")));
  const Bytes file = BuildEif(spec);
  const absl::StatusOr<EifImage> image = ParseEif(file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->version, 4);
  EXPECT_TRUE(image->arm64);
  EXPECT_EQ(image->default_memory_bytes, 1u << 30);
  EXPECT_EQ(image->default_cpus, 2u);
  ASSERT_EQ(image->sections.size(), spec.sections.size());
  for (size_t i = 0; i < spec.sections.size(); ++i) {
    EXPECT_EQ(image->sections[i].type, spec.sections[i].first);
    EXPECT_EQ(image->sections[i].data, ByteSpan(spec.sections[i].second));
  }
}

TEST(EifTest, HeadersThatAreNoneAreRefused) {
  EXPECT_EQ(CodeOf({}), "eif_header");
  EXPECT_EQ(CodeOf(Bytes(kEifHeaderSize, '.')), "eif_header");
  Bytes cut = BuildEif({});
  cut.resize(kEifHeaderSize - 1);
  EXPECT_EQ(CodeOf(cut), "eif_header");
  EXPECT_EQ(CodeWith([](EifSpec& s) { s.version = 1; }), "eif_header");
  EXPECT_EQ(CodeWith([](EifSpec& s) { s.version = 5; }), "eif_header");
  EXPECT_EQ(CodeWith([](EifSpec& s) { s.flags = 2; }), "eif_header");
  EXPECT_EQ(CodeWith([](EifSpec& s) { s.sections.clear(); }), "eif_header");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[27] = 33; }), "eif_header");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[25] = 1; }), "eif_header");  // reserved
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kUnused] = 1; }), "eif_header");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kOffsets + 8 * 4 + 7] = 1; }), "eif_header");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kSizes + 8 * 31] = 1; }), "eif_header");
}

// A loader goes by one of the tables, the measurement by the other: they must say the same.
TEST(EifTest, TablesThatDisagreeAreRefused) {
  EXPECT_EQ(CodeDamaged([](Bytes& f) { ++f[kOffsets + 8 + 7]; }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { --f[kSizes + 7]; }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { ++f[kEifHeaderSize + 11]; }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kEifHeaderSize + 4] = 0xff; }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[27] = 3; }), "eif_header");  // one section fewer
}

TEST(EifTest, NothingIsBetweenOrAfterSections) {
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f.push_back(0); }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f.pop_back(); }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kEifHeaderSize + 3] = 1; }), "eif_section");  // flags
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kEifHeaderSize + 1] = 0; }), "eif_section");
  EXPECT_EQ(CodeDamaged([](Bytes& f) { f[kEifHeaderSize + 1] = 6; }), "eif_section");
}

TEST(EifTest, EverySectionOfWhatBootsIsThereOnce) {
  const auto with = [](EifSectionType type) {
    return CodeWith([type](EifSpec& s) { s.sections.emplace_back(type, Bytes(9)); });
  };
  EXPECT_EQ(with(EifSectionType::kRamdisk), "");
  EXPECT_EQ(with(EifSectionType::kMetadata), "");
  EXPECT_EQ(with(EifSectionType::kSignature), "");
  EXPECT_EQ(with(EifSectionType::kKernel), "eif_section");
  EXPECT_EQ(with(EifSectionType::kCommandLine), "eif_section");
  for (size_t gone : {size_t{0}, size_t{1}}) {
    EXPECT_EQ(CodeWith([gone](EifSpec& s) {
                s.sections.erase(s.sections.begin() + static_cast<ptrdiff_t>(gone));
              }),
              "eif_section");
  }
  EXPECT_EQ(CodeWith([](EifSpec& s) { s.sections.resize(2); }), "eif_section");
  for (const EifSectionType twice : {EifSectionType::kMetadata, EifSectionType::kSignature}) {
    EXPECT_EQ(CodeWith([twice](EifSpec& s) {
                s.sections.emplace_back(twice, Bytes(9));
                s.sections.emplace_back(twice, Bytes(9));
              }),
              "eif_section");
  }
}

TEST(EifTest, OneFlippedBitAnywhereIsSeen) {
  const Bytes file = BuildEif({});
  for (size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= static_cast<uint8_t>(1u << (i % 8));
    EXPECT_FALSE(ParseEif(damaged).ok()) << i;
  }
  Bytes damaged = file;
  damaged.back() ^= 1;
  EXPECT_EQ(CodeOf(damaged), "eif_crc");
}

}  // namespace
}  // namespace sealfold
