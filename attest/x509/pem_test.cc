#include "attest/x509/pem.h"

#include <gtest/gtest.h>
#include <openssl/ui.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "attest/x509/certificate.h"
#include "attest/x509/revocation/revocation.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Stands where OpenSSL's terminal is, and counts what it is asked.
class PemTest : public ::testing::Test {
 protected:
  PemTest() {
    asked_ = 0;
    UI_method_set_reader(method_.get(), [](UI*, UI_STRING*) {
      ++asked_;
      return -1;
    });
    UI_set_default_method(method_.get());
  }
  ~PemTest() override { UI_set_default_method(UI_OpenSSL()); }

  static std::string Encrypted(absl::string_view block) {
    return absl::StrCat("-----BEGIN ", block,
                        "-----\nProc-Type: 4,ENCRYPTED\n"
                        "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                        "MDEyMzQ1Njc4OWFiY2RlZg==\n-----END ",
                        block, "-----\n");
  }

  const std::unique_ptr<UI_METHOD, decltype(&UI_destroy_method)> method_{UI_create_method("test"),
                                                                         &UI_destroy_method};
  static inline int asked_ = 0;
};

TEST_F(PemTest, NobodyIsAskedForAPassphrase) {
  EXPECT_EQ(ErrorCode(Certificate::FromPem(Encrypted("CERTIFICATE")).status()),
            "certificate_malformed");
  const std::string list = Encrypted("X509 CRL");
  EXPECT_EQ(ErrorCode(RevocationList::Parse(AsBytes(list)).status()), "revocation_list_malformed");
  EXPECT_EQ(asked_, 0);
}

TEST_F(PemTest, OneBlockIsNotSeveral) {
  EXPECT_FALSE(HasSeveralPemBlocks("text"));
  EXPECT_FALSE(HasSeveralPemBlocks(Encrypted("CERTIFICATE")));
  EXPECT_TRUE(HasSeveralPemBlocks(Encrypted("CERTIFICATE") + Encrypted("X509 CRL")));
}

}  // namespace
}  // namespace sealfold
