// Against what Debian has: a unified kernel image of systemd's own stub, put together and signed by
// objcopy and sbsign, measured by systemd-measure and pesign.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/measure/uki/secure_boot.h"
#include "attest/measure/uki/uki.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr char kStub[] = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
constexpr char kSystemdMeasure[] = "/lib/systemd/systemd-measure";
constexpr size_t kFileMax = 16u << 20;

class UkiToolsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* tool : {kStub, kSystemdMeasure, "/usr/bin/objcopy", "/usr/bin/pesign",
                             "/usr/bin/sbsign", "/usr/bin/openssl"}) {
      if (!std::filesystem::exists(tool)) GTEST_SKIP() << "no " << tool;
    }
    Write("linux", ReadTestData("measure/uki-258.efi"));  // any UEFI program
    Write("osrel", "ID=test\nVERSION_ID=1\n");
    Write("cmdline", "console=ttyS0 quiet");
    Write("initrd", std::string(70'000, 'i'));
    Write("pcrpkey", "a key");
    std::vector<std::string> objcopy = {"objcopy"};
    uint64_t address = 0x100000;
    for (const char* name : {"osrel", "cmdline", "initrd", "pcrpkey", "linux"}) {
      objcopy.push_back("--add-section");
      objcopy.push_back(absl::StrCat(".", name, "=", Path(name)));
      objcopy.push_back("--change-section-vma");
      objcopy.push_back(absl::StrCat(".", name, "=", address));
      address += 0x100000;
    }
    objcopy.push_back(kStub);
    objcopy.push_back(Path("uki.efi"));
    Run(objcopy);
  }
  std::string Path(absl::string_view name) const { return folder_.Path(name); }
  void Write(absl::string_view name, absl::string_view text) const {
    ASSERT_TRUE(WriteFileAtomic(Path(name), text).ok());
  }
  Bytes Read(absl::string_view name) const {
    return ToBytes(AsBytes(*ReadFile(Path(name), kFileMax)));
  }
  static std::string Run(const std::vector<std::string>& arguments) {
    const absl::StatusOr<ProgramResult> result =
        RunToEnd(arguments, {.err = ChildProcess::Stream::kPipe});
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_code, 0) << arguments[0] << ": " << result->err;
    return result->out;
  }
  // A key and a certificate of it, and the image signed by it.
  void Sign() const {
    Run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", Path("key.pem"),
         "-out", Path("certificate.pem"), "-subj", "/CN=test", "-days", "30"});
    Run({"openssl", "x509", "-in", Path("certificate.pem"), "-outform", "DER", "-out",
         Path("certificate.der")});
    Run({"sbsign", "--key", Path("key.pem"), "--cert", Path("certificate.pem"), "--output",
         Path("signed.efi"), Path("uki.efi")});
  }

  // By a certificate of an authority, which the signature does not carry.
  void SignUnderAuthority() const {
    Run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", Path("ca.key"),
         "-out", Path("ca.pem"), "-subj", "/CN=authority", "-days", "30"});
    Run({"openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", Path("key.pem"),
         "-out", Path("request.pem"), "-subj", "/CN=signer"});
    Run({"openssl", "x509", "-req", "-in", Path("request.pem"), "-CA", Path("ca.pem"), "-CAkey",
         Path("ca.key"), "-CAcreateserial", "-days", "30", "-out", Path("certificate.pem")});
    for (const std::string name : {"ca", "certificate"}) {
      Run({"openssl", "x509", "-in", Path(name + ".pem"), "-outform", "DER", "-out",
           Path(name + ".der")});
    }
    Run({"sbsign", "--key", Path("key.pem"), "--cert", Path("certificate.pem"), "--output",
         Path("signed.efi"), Path("uki.efi")});
  }
  // EFI_SIGNATURE_LIST of one X.509 certificate.
  static Bytes DbList(ByteSpan certificate, uint8_t owner) {
    Bytes db = *HexDecode("a159c0a5e494a74a87b5ab155c2bf072");
    const size_t entry_size = 16 + certificate.size();
    for (const size_t number : {28 + entry_size, size_t{0}, entry_size}) {
      for (int i = 0; i < 4; ++i) db.push_back(static_cast<uint8_t>(number >> (8 * i)));
    }
    Append(db, Bytes(16, owner));
    Append(db, certificate);
    return db;
  }

  const TempDir folder_;
};

TEST_F(UkiToolsTest, Pcr11IsThatOfSystemdMeasure) {
  const Bytes file = Read("uki.efi");
  const absl::StatusOr<Uki> uki = ParseUki(file, std::nullopt);
  ASSERT_TRUE(uki.ok()) << uki.status();
  EXPECT_GE(uki->stub_version, 252u);
  const json calculated = json::parse(
      Run({kSystemdMeasure, "calculate", "--linux=" + Path("linux"), "--osrel=" + Path("osrel"),
           "--cmdline=" + Path("cmdline"), "--initrd=" + Path("initrd"),
           "--pcrpkey=" + Path("pcrpkey"), "--phase=enter-initrd:leave-initrd", "--json=short"}));
  for (const BankHash hash : kBankHashes) {
    const absl::StatusOr<Bytes> pcr11 = UkiPcr11(hash, *uki, {"enter-initrd", "leave-initrd"});
    ASSERT_TRUE(pcr11.ok()) << pcr11.status();
    EXPECT_EQ(HexEncode(*pcr11), calculated[std::string(BankHashName(hash))][0]["hash"]);
  }
}

TEST_F(UkiToolsTest, TheAuthenticodeDigestIsThatOfPesign) {
  Sign();
  for (const char* name : {"uki.efi", "signed.efi"}) {
    const std::string pesign = Run({"pesign", "-h", "-d", "sha256", "-i", Path(name)});
    const Bytes file = Read(name);
    const absl::StatusOr<PeImage> image = ParsePe(file);
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_THAT(pesign, HasSubstr(HexEncode(AuthenticodeDigest(*image, BankHash::kSha256))))
        << name;
  }
}

// What sbsign signed is what is found in db, and measured once for however many programs.
TEST_F(UkiToolsTest, TheSignersEntryInDbIsMeasuredOnce) {
  Sign();
  const Bytes file = Read("signed.efi");
  const Bytes unsigned_file = Read("uki.efi");
  const absl::StatusOr<PeImage> image = ParsePe(file);
  ASSERT_TRUE(image.ok()) << image.status();
  const Bytes certificate = Read("certificate.der");
  EXPECT_EQ(*SignatureCertificates(*image), std::vector<Bytes>{certificate});

  const size_t entry_size = 16 + certificate.size();
  const Bytes db = DbList(certificate, 0x77);
  const SecureBootVariables variables{.pk = Bytes(10, 1), .kek = Bytes(10, 2), .db = db};
  const BankHash hash = BankHash::kSha384;
  const Bytes without = *SecureBootPcr7(hash, variables, {});
  Bytes event = *HexDecode("cbb219d73a3d9645a3bcdad00e67656f0200000000000000");
  for (int i = 0; i < 8; ++i) event.push_back(static_cast<uint8_t>(entry_size >> (8 * i)));
  Append(event, *HexDecode("64006200"));
  Append(event, ByteSpan(db).last(entry_size));
  const Bytes expected = HashInBank(hash, {without, HashInBank(hash, {ByteSpan(event)})});
  EXPECT_EQ(*SecureBootPcr7(hash, variables, {*image}), expected);
  EXPECT_EQ(*SecureBootPcr7(hash, variables, {*image, *image}), expected);

  EXPECT_EQ(ErrorCode(SecureBootPcr7(hash, variables, {*ParsePe(unsigned_file)}).status()),
            "secure_boot_signer");
  SecureBootVariables wrong = variables;
  Sign();  // by another key of the same name
  wrong.db = DbList(Read("certificate.der"), 0x77);
  EXPECT_EQ(ErrorCode(SecureBootPcr7(hash, wrong, {*image}).status()), "secure_boot_signer");
  wrong.db.pop_back();
  EXPECT_EQ(ErrorCode(SecureBootPcr7(hash, wrong, {*image}).status()), "secure_boot_db");
}

// Which entry firmware measures goes by its own order, where several would do.
TEST_F(UkiToolsTest, SeveralEntriesThatVouchAreRefused) {
  SignUnderAuthority();
  const Bytes file = Read("signed.efi");
  const PeImage image = *ParsePe(file);
  const BankHash hash = BankHash::kSha384;
  const auto pcr7 = [&](const std::vector<Bytes>& lists) {
    SecureBootVariables variables{.pk = Bytes(10, 1), .kek = Bytes(10, 2)};
    for (const Bytes& list : lists) Append(variables.db, list);
    return SecureBootPcr7(hash, variables, {image});
  };
  const Bytes signer = DbList(Read("certificate.der"), 1);
  const Bytes authority = DbList(Read("ca.der"), 2);
  EXPECT_TRUE(pcr7({signer}).ok());
  EXPECT_TRUE(pcr7({authority}).ok());
  EXPECT_TRUE(pcr7({signer, signer}).ok());  // either is the same event
  for (const std::vector<Bytes>& lists :
       {std::vector<Bytes>{signer, authority}, std::vector<Bytes>{authority, signer},
        std::vector<Bytes>{signer, DbList(Read("certificate.der"), 3)}}) {
    EXPECT_EQ(ErrorCode(pcr7(lists).status()), "secure_boot_signer_ambiguous");
  }
}

}  // namespace
}  // namespace sealfold
