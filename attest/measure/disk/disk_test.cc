// Disk images made by sgdisk, mkfs.vfat and mtools, and damaged ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "absl/strings/str_cat.h"
#include "attest/measure/disk/boot_files.h"
#include "attest/measure/disk/fat.h"
#include "attest/measure/disk/gpt.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr size_t kFirstBlock = 2048;  // of the partition, by sgdisk's alignment
constexpr size_t kDiskMax = 128u << 20;

class DiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    for (const char* tool : {"/usr/sbin/sgdisk", "/usr/sbin/mkfs.vfat", "/usr/bin/mcopy"}) {
      if (!std::filesystem::exists(tool)) GTEST_SKIP() << "no " << tool;
    }
  }
  static void Run(const std::vector<std::string>& arguments) {
    const absl::StatusOr<ProgramResult> result = RunToEnd(
        arguments, {.out = ChildProcess::Stream::kPipe, .err = ChildProcess::Stream::kPipe});
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->exit_code, 0) << arguments[0] << result->out << result->err;
  }
  // A disk whose EFI system partition of `mib` MiB has these files, each with its content.
  Bytes Disk(int mib, const char* fat, const std::map<std::string, std::string>& files,
             bool boot_partition = false) {
    const std::string esp = folder_.Path("esp");
    const std::string disk = folder_.Path("disk");
    std::filesystem::remove(esp);
    std::filesystem::remove(disk);
    Run({"mkfs.vfat", "-F", fat, "-s", "1", "-C", esp, absl::StrCat(mib * 1024)});
    for (const char* name :
         {"::/EFI", "::/EFI/BOOT", "::/EFI/Linux", "::/loader", "::/loader/entries"}) {
      Run({"mmd", "-i", esp, name});
    }
    for (const auto& [name, content] : files) {
      EXPECT_TRUE(WriteFileAtomic(folder_.Path("file"), content).ok());
      Run({"mcopy", "-i", esp, folder_.Path("file"), absl::StrCat("::", name)});
    }
    EXPECT_TRUE(WriteFileAtomic(disk, "").ok());
    std::filesystem::resize_file(disk, static_cast<uintmax_t>(mib + 2) << 20);
    Run({"sgdisk", "-n", absl::StrCat("1:", kFirstBlock, ":+", mib, "M"), "-t", "1:ef00", disk});
    if (boot_partition) Run({"sgdisk", "-n", "2:0:+512K", "-t", "2:ea00", disk});
    Bytes bytes = ToBytes(AsBytes(*ReadFile(disk, kDiskMax)));
    const std::string partition = *ReadFile(esp, kDiskMax);
    std::copy(partition.begin(), partition.end(),
              bytes.begin() + static_cast<ptrdiff_t>(kFirstBlock * 512));
    return bytes;
  }

  // The short name of the file whose DOS name is `from` is `to`, of the same length.
  static void Rename(Bytes& disk, absl::string_view from, absl::string_view to) {
    const auto at = std::search(disk.begin(), disk.end(), from.begin(), from.end());
    ASSERT_NE(at, disk.end());
    std::copy(to.begin(), to.end(), at);
    uint8_t sum = 0;
    for (const char c : to) {
      sum = static_cast<uint8_t>(((sum & 1) << 7) + (sum >> 1) + static_cast<uint8_t>(c));
    }
    for (auto part = at - 32; part[11] == 0x0f; part -= 32) part[13] = sum;
  }

  const std::string uki_ = ReadTestData("measure/uki-252.efi");
  const TempDir folder_;
};

std::string NoUki() {
  std::string loader = ReadTestData("measure/uki-252.efi");
  loader.replace(loader.find(".linux"), 6, ".other");
  return loader;
}

TEST_F(DiskTest, TheImageThatTheFirmwareStartsIsFound) {
  for (const auto& [mib, fat] : {std::pair(20, "16"), std::pair(40, "32")}) {
    const Bytes disk = Disk(mib, fat, {{"/EFI/BOOT/BOOTX64.EFI", uki_}});
    const absl::StatusOr<BootFiles> files = FindBootFiles(disk);
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(AsText(files->uki), uki_);
    EXPECT_FALSE(files->loader.has_value());
  }
}

TEST_F(DiskTest, ALoaderStartsTheOnlyImageThereIs) {
  std::map<std::string, std::string> content = {
      {"/EFI/BOOT/BOOTX64.EFI", NoUki()},
      {"/EFI/Linux/a-long-name-of-a-release-6.1.0-27.efi", uki_},
      {"/EFI/Linux/notes.txt", std::string(100'000, 'n')}};
  const absl::StatusOr<BootFiles> files = FindBootFiles(Disk(20, "16", content));
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(AsText(files->uki), uki_);
  EXPECT_EQ(AsText(*files->loader), NoUki());
  EXPECT_EQ(files->uki_path, "/EFI/Linux/a-long-name-of-a-release-6.1.0-27.efi");
  content["/EFI/Linux/b.efi"] = uki_;
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", content)).status()), "disk_boot");
}

// Firmware finds a file by its long name and by its short one.
TEST_F(DiskTest, AFileIsFoundByEitherName) {
  Bytes disk = Disk(20, "16", {{"/EFI/BOOT/evil-long-name.efi", uki_}});
  Rename(disk, "EVIL-L~1EFI", "BOOTX64 EFI");
  const absl::StatusOr<BootFiles> files = FindBootFiles(disk);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(AsText(files->uki), uki_);
}

TEST_F(DiskTest, WhichOfTwoIsStartedIsNotGuessed) {
  Bytes disk =
      Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", uki_}, {"/EFI/BOOT/evil-long-name.efi", NoUki()}});
  ASSERT_TRUE(FindBootFiles(disk).ok());
  Rename(disk, "EVIL-L~1EFI", "BOOTX64 EFI");
  EXPECT_EQ(ErrorCode(FindBootFiles(disk).status()), "fat_malformed");
}

TEST_F(DiskTest, ANameIsNoPath) {
  Bytes disk =
      Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", NoUki()}, {"/EFI/Linux/evil-long-name.efi", uki_}});
  ASSERT_TRUE(FindBootFiles(disk).ok());
  const absl::string_view name("e\0v\0i\0l\0-", 9);
  const auto at = std::search(disk.begin(), disk.end(), name.begin(), name.end());
  ASSERT_NE(at, disk.end());
  at[8] = '/';
  EXPECT_EQ(ErrorCode(FindBootFiles(disk).status()), "fat_malformed");
}

TEST_F(DiskTest, TheTypeIsThatWhichFirmwareSees) {
  Bytes disk = Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", uki_}});
  uint8_t* const boot = disk.data() + kFirstBlock * 512;
  std::copy(boot + 22, boot + 24, boot + 36);
  std::fill(boot + 22, boot + 24, uint8_t{0});
  std::fill(boot + 38, boot + 40, uint8_t{0});
  EXPECT_EQ(ErrorCode(FindBootFiles(disk).status()), "fat_malformed");
}

TEST_F(DiskTest, WhatElseALoaderMayStartIsNotGuessed) {
  std::map<std::string, std::string> content = {{"/EFI/BOOT/BOOTX64.EFI", NoUki()},
                                                {"/EFI/Linux/a.efi", uki_}};
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", content)).status()), "");
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", content, true)).status()), "disk_boot");
  content["/loader/entries/other.conf"] = "linux /other\n";
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", content)).status()), "disk_boot");
}

TEST_F(DiskTest, WhereNothingBootsNothingIsMeasured) {
  EXPECT_EQ(ErrorCode(FindBootFiles({}).status()), "disk_table");
  EXPECT_EQ(ErrorCode(FindBootFiles(Bytes(10'000)).status()), "disk_table");
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", {})).status()), "disk_boot");
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", "none"}})).status()),
            "pe_malformed");
  EXPECT_EQ(ErrorCode(FindBootFiles(Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", NoUki()}})).status()),
            "disk_boot");
}

TEST_F(DiskTest, DamageIsRefusedOrChangesNothing) {
  const Bytes disk = Disk(20, "16", {{"/EFI/BOOT/BOOTX64.EFI", uki_}});
  Bytes damaged = disk;
  damaged[512 + 72] ^= 1;  // the table's place
  EXPECT_EQ(ErrorCode(FindBootFiles(damaged).status()), "disk_table");
  damaged = disk;
  damaged[1024] ^= 1;  // the first entry's type
  EXPECT_EQ(ErrorCode(FindBootFiles(damaged).status()), "disk_table");
  damaged = disk;
  damaged.resize(kFirstBlock * 512 + 1000);
  EXPECT_EQ(ErrorCode(FindBootFiles(damaged).status()), "disk_table");
  // A chain of clusters that comes back to itself.
  damaged = disk;
  const ByteSpan partition = *FindEfiSystemPartition(damaged);
  const size_t table = static_cast<size_t>(partition.data() - damaged.data()) +
                       (partition[14] | partition[15] << 8) * size_t{512};
  for (size_t cluster = 2; cluster < 200; ++cluster) damaged[table + 2 * cluster] = 2;
  for (size_t cluster = 2; cluster < 200; ++cluster) damaged[table + 2 * cluster + 1] = 0;
  EXPECT_FALSE(FindBootFiles(damaged).ok());
  // What is not in the file or on the way to it does not matter.
  std::mt19937_64 rng(20261127);
  for (int i = 0; i < 200; ++i) {
    damaged = disk;
    for (int j = 0; j < 8; ++j) {
      damaged[kFirstBlock * 512 + rng() % 200'000] = static_cast<uint8_t>(rng());
    }
    const absl::StatusOr<BootFiles> files = FindBootFiles(damaged);
    EXPECT_TRUE(files.ok() || !ErrorCode(files.status()).empty());
  }
}

}  // namespace
}  // namespace sealfold
