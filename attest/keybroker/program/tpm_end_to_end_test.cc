// The broker's program with its store under a TPM: a real (software) one, and a real
// sealfold-softnsm's evidence, which this test's own measurement is in.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/connect.h"
#include "attest/testing/devices/swtpm.h"
#include "attest/testing/programs/broker_process.h"
#include "attest/testing/programs/processes.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class TpmEndToEndTest : public ::testing::Test {
 protected:
  BrokerProcess Under(const Swtpm& tpm) const {
    return {SEALFOLD_KEYBROKER, folder_.Path("broker"), {"--tpm", tpm.conf()}};
  }
  KeyClient Client(const BrokerProcess& broker) const {
    return ConnectKeyService({.endpoint = absl::StrCat("127.0.0.1:", broker.port()),
                              .ca_path = folder_.Path("broker/tls.pem"),
                              .access_key_path = folder_.Path("access.json")},
                             *attester_)
        .value();
  }

  TempDir folder_;
  const ChildProcess softnsm_ = StartSoftnsm(SEALFOLD_SOFTNSM, folder_);
  const std::unique_ptr<Attester> attester_ =
      ConnectSoftwareAttester(folder_.Path("nsm.sock")).value();
  Swtpm tpm_;
};

TEST_F(TpmEndToEndTest, AStoreUnderATpmServesAfterARestartAndUnderNoOther) {
  BrokerProcess broker = Under(tpm_);
  broker.Run({"init", "--software-root", folder_.Path("nsm/root.pem")});
  const std::string pcr0 =
      Sha384(AsBytes(ReadFile("/proc/self/exe", size_t{1} << 30).value())).hex();
  broker.Run({"key", "create", "own", "--condition",
              absl::StrCat("kms:RecipientAttestation:PCR0=", pcr0)});
  broker.Run({"caller", "create", "hospital", "--out", folder_.Path("access.json")});
  broker.Serve();
  const absl::StatusOr<DataKey> made = Client(broker).GenerateDataKey("alias/own", 32, {});
  ASSERT_TRUE(made.ok()) << made.status();
  // A verb's change, sealed by the TPM anew while the broker serves, is known at once.
  broker.Run({"key", "create", "later", "--unattested"});
  EXPECT_TRUE(Client(broker).Encrypt("alias/later", AsBytes("x"), {}).ok());
  broker.Stop();

  broker.Serve();
  const absl::StatusOr<Secret> again = Client(broker).Decrypt(made->blob, {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->span(), made->key.span());
  broker.Stop();

  const Swtpm other;
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"serve", "--listen", "127.0.0.1:0"},
        std::vector<std::string>{"key", "list"}}) {
    const absl::StatusOr<ProgramResult> refused = RunToEnd(Under(other).Arguments(verb));
    EXPECT_EQ(refused->exit_code, kExitRefused) << refused->out;
    EXPECT_EQ(refused->out, "");
    const auto error = nlohmann::json::parse(refused->err, nullptr, false);
    EXPECT_EQ(error["error"], "tpm_seal_other") << refused->err;
  }
  // Nor is it open to a passphrase, or to a TPM that is not there.
  ASSERT_TRUE(WriteFileAtomic(folder_.Path("passphrase"), "correct horse battery staple\n",
                              /*secret=*/true)
                  .ok());
  const BrokerProcess by_passphrase(SEALFOLD_KEYBROKER, folder_.Path("broker"),
                                    {"--passphrase-file", folder_.Path("passphrase")});
  const absl::StatusOr<ProgramResult> kept = RunToEnd(by_passphrase.Arguments({"key", "list"}));
  EXPECT_EQ(kept->exit_code, kExitBadInput) << kept->out;
  EXPECT_NE(kept->err.find("store_under_key"), std::string::npos) << kept->err;
  const BrokerProcess nowhere(SEALFOLD_KEYBROKER, folder_.Path("broker"),
                              {"--tpm", "swtpm:path=" + folder_.Path("nothing")});
  const absl::StatusOr<ProgramResult> none = RunToEnd(nowhere.Arguments({"key", "list"}));
  EXPECT_EQ(none->exit_code, kExitNetwork) << none->out;
  EXPECT_NE(none->err.find("tpm_device"), std::string::npos) << none->err;
}

}  // namespace
}  // namespace sealfold
