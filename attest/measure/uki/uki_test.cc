#include "attest/measure/uki/uki.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "attest/measure/uki/secure_boot.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::json;

const std::vector<std::string> kPhases = {"enter-initrd", "leave-initrd", "sysinit", "ready"};
constexpr size_t kPeHeader = 64;  // of the vectors' files
constexpr size_t kOptional = kPeHeader + 24;
constexpr size_t kSectionTable = kOptional + 240;

Bytes File(const std::string& name) { return ToBytes(AsBytes(ReadTestData("measure/" + name))); }

void Put32(Bytes& file, size_t offset, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) file[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

std::string CodeWith(const std::function<void(Bytes&)>& change) {
  Bytes file = File("uki-252.efi");
  change(file);
  return ErrorCode(ParseUki(file, std::nullopt).status());
}

// Files and values of tests/data/measure/make_uki.py, in every bank.
TEST(UkiTest, AgreesWithAnIndependentComputation) {
  const json expected = json::parse(ReadTestData("measure/uki.json"));
  ASSERT_EQ(expected.size(), 3u);
  for (const auto& [name, banks] : expected.items()) {
    const Bytes file = File(name);
    const absl::StatusOr<Uki> uki = ParseUki(file, std::nullopt);
    ASSERT_TRUE(uki.ok()) << name << uki.status();
    for (const BankHash hash : kBankHashes) {
      const json& values = banks[std::string(BankHashName(hash))];
      SCOPED_TRACE(name);
      EXPECT_EQ(HexEncode(AuthenticodeDigest(uki->image, hash)), values["authenticode"]);
      EXPECT_EQ(HexEncode(UkiPcr4(hash, {}, *uki, false)), values["pcr4"]);
      EXPECT_EQ(HexEncode(UkiPcr4(hash, {}, *uki, true)), values["pcr4_secure_boot"]);
      EXPECT_EQ(HexEncode(*SecureBootPcr7(hash, {}, {})), values["pcr7"]);
      EXPECT_EQ(HexEncode(*UkiPcr11(hash, *uki, {})), values["pcr11_at_start"]);
      EXPECT_EQ(HexEncode(*UkiPcr11(hash, *uki, kPhases)), values["pcr11"]);
      EXPECT_EQ(HexEncode(UkiPcr12(hash)), values["pcr12"]);
    }
  }
}

TEST(UkiTest, TheStubsVersionIsTheFilesOrTold) {
  const Bytes file = File("uki-252.efi");
  EXPECT_EQ(ParseUki(file, std::nullopt)->stub_version, 252u);
  EXPECT_EQ(ParseUki(file, 258)->stub_version, 258u);
  // Where the order of sections is not known, nothing is said.
  for (const uint32_t version : {1u, 251u, 253u, 254u}) {
    EXPECT_EQ(ErrorCode(UkiPcr11(BankHash::kSha384, *ParseUki(file, version), {}).status()),
              "uki_pcr11");
  }
  EXPECT_EQ(CodeWith([](Bytes& f) { f[0x800] = '!'; }), "uki_stub");  // .sdmagic
}

TEST(UkiTest, ABootLoaderIsMeasuredBefore) {
  const Bytes file = File("uki-258.efi");
  const absl::StatusOr<Uki> uki = ParseUki(file, std::nullopt);
  BankRegister reg(BankHash::kSha256);
  reg.Measure(AsBytes("Calling EFI Application from Boot Option"));
  reg.Measure(Bytes(4));
  reg.Extend(AuthenticodeDigest(uki->kernel, BankHash::kSha256));
  reg.Extend(AuthenticodeDigest(uki->image, BankHash::kSha256));
  EXPECT_EQ(UkiPcr4(BankHash::kSha256, {uki->kernel}, *uki, true), reg.value());
}

TEST(UkiTest, ChecksumAndCertificatesAreNotInTheDigest) {
  Bytes file = File("uki-252.efi");
  file.resize(file.size() + 4);  // to a multiple of eight
  const Bytes digest = AuthenticodeDigest(*ParsePe(file), BankHash::kSha256);
  Bytes changed = file;
  Put32(changed, kOptional + 64, 0x12345678);
  Put32(changed, kOptional + 144, static_cast<uint32_t>(file.size()));
  Put32(changed, kOptional + 148, 16);
  changed.insert(changed.end(), 16, 'c');
  const absl::StatusOr<PeImage> image = ParsePe(changed);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->certificates.size(), 16u);
  EXPECT_EQ(AuthenticodeDigest(*image, BankHash::kSha256), digest);
  // Every other byte is.
  std::mt19937_64 rng(20261127);
  for (int i = 0; i < 300; ++i) {
    const size_t at = rng() % file.size();
    if (at >= kOptional + 64 && at < kOptional + 68) continue;
    if (at >= kOptional + 144 && at < kOptional + 152) continue;
    Bytes damaged = file;
    damaged[at] ^= 1;
    const absl::StatusOr<PeImage> other = ParsePe(damaged);
    EXPECT_TRUE(!other.ok() || AuthenticodeDigest(*other, BankHash::kSha256) != digest) << at;
  }
}

TEST(UkiTest, FilesThatAreNoneAreRefused) {
  EXPECT_EQ(ErrorCode(ParseUki({}, std::nullopt).status()), "pe_malformed");
  const Bytes whole = File("uki-252.efi");
  for (size_t size = 0; size < whole.size() - 4; size += size < 0x420 ? 1 : 97) {
    EXPECT_FALSE(ParseUki(ByteSpan(whole).first(size), std::nullopt).ok()) << size;
  }
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, 0x3c, 0xfffffff0); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { f[kOptional] = 0x0c; }), "pe_malformed");  // no PE32+
  EXPECT_EQ(CodeWith([](Bytes& f) { f[kPeHeader + 6] = 0; }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { f[kPeHeader + 7] = 1; }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kOptional + 60, 1u << 30); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kOptional + 60, 100); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kOptional + 108, 4); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kOptional + 144, 0x500); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kSectionTable + 20, 0xfffffff0); }), "pe_malformed");
  EXPECT_EQ(CodeWith([](Bytes& f) {  // two sections of the same bytes
              std::copy_n(f.begin() + kSectionTable + 16, 8, f.begin() + kSectionTable + 40 + 16);
            }),
            "pe_malformed");
}

TEST(UkiTest, SectionsThatWouldBeMeasuredAsSomethingElseAreRefused) {
  // .text is the first section, .sdmagic the second, .linux the last.
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kSectionTable + 12, 0x2000); }), "uki_section");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kSectionTable + 8, 0x1001); }), "uki_section");
  EXPECT_EQ(CodeWith([](Bytes& f) { Put32(f, kSectionTable + 40 + 8, 0x1000); }), "uki_section");
  EXPECT_EQ(CodeWith([](Bytes& f) {
              std::copy_n(f.begin() + kSectionTable + 40, 8, f.begin() + kSectionTable);
            }),
            "uki_section");
  EXPECT_EQ(CodeWith([](Bytes& f) { f[kSectionTable + 40 * 9 + 1] = 'L'; }), "uki_linux");
}

TEST(UkiTest, WhatDependsOnTheMachineIsNotComputed) {
  Bytes file = File("uki-258.efi");
  const std::string name = ".profile";
  std::copy(name.begin(), name.end(), file.begin() + kSectionTable);
  const absl::StatusOr<Uki> uki = ParseUki(file, std::nullopt);
  ASSERT_TRUE(uki.ok()) << uki.status();
  EXPECT_EQ(ErrorCode(UkiPcr11(BankHash::kSha384, *uki, {}).status()), "uki_pcr11");
}

}  // namespace
}  // namespace sealfold
