// The broker's program, a program that asks it, and sealfold-softnsm's evidence, as processes on
// one machine: this test is the program whose measurement keys are released to.
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "attest/keyclient/https_transport.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr int kWait_ms = 120'000;

uint64_t NowMs() { return static_cast<uint64_t>(absl::ToUnixMillis(absl::Now())); }

std::string OwnPcr0() {
  return Sha384(AsBytes(ReadFile("/proc/self/exe", size_t{1} << 30).value())).hex();
}

class EndToEndTest : public ::testing::Test {
 protected:
  EndToEndTest() {
    EXPECT_TRUE(
        WriteFileAtomic(Path("passphrase"), "correct horse battery staple\n", /*secret=*/true)
            .ok());
    softnsm_.emplace(Start({SEALFOLD_SOFTNSM, "serve", "--state", Path("nsm"), "--socket",
                            Path("nsm.sock"), "--json"}));
    ReadJson(*softnsm_);
    attester_ = ConnectSoftwareAttester(Path("nsm.sock")).value();
    Broker({"init", "--software-root", Path("nsm/root.pem")});
    Broker({"key", "create", "own", "--condition",
            absl::StrCat("kms:RecipientAttestation:PCR0=", OwnPcr0())});
    Broker({"key", "create", "other", "--condition",
            absl::StrCat("kms:RecipientAttestation:ImageSha384=", std::string(96, 'a'))});
    Broker({"caller", "create", "hospital", "--out", Path("access.json")});
    Serve();
  }

  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  static ChildProcess Start(const std::vector<std::string>& arguments) {
    absl::StatusOr<ChildProcess> child =
        ChildProcess::Start(arguments, {.err = ChildProcess::Stream::kNull});
    SEALFOLD_CHECK(child.ok());
    return *std::move(child);
  }
  static json ReadJson(ChildProcess& child) {
    const std::optional<std::string> line = child.ReadLine(kWait_ms);
    EXPECT_TRUE(line.has_value());
    return json::parse(line.value_or("null"));
  }
  std::vector<std::string> Arguments(std::vector<std::string> verb) const {
    verb.insert(verb.begin(), SEALFOLD_KEYBROKER);
    for (const std::string& each :
         {std::string("--state"), Path("broker"), std::string("--passphrase-file"),
          Path("passphrase"), std::string("--json")}) {
      verb.push_back(each);
    }
    return verb;
  }
  json Broker(const std::vector<std::string>& verb) const {
    const absl::StatusOr<ProgramResult> result = RunToEnd(Arguments(verb));
    EXPECT_EQ(result->exit_code, 0) << result->err;
    return json::parse(result->out, nullptr, false);
  }
  void Serve() {
    broker_.emplace(Start(Arguments({"serve", "--listen", "127.0.0.1:0"})));
    ready_ = ReadJson(*broker_);
  }
  json VerifyLog() const {
    const absl::StatusOr<ProgramResult> result =
        RunToEnd({SEALFOLD_KEYBROKER, "log", "verify", "--state", Path("broker"), "--head",
                  ready_["head"].get<std::string>(), "--json"});
    EXPECT_EQ(result->exit_code, 0) << result->err;
    return json::parse(result->out, nullptr, false);
  }

  KeyClient Client(absl::string_view ca_path = "broker/tls.pem",
                   absl::string_view secret = "") const {
    AccessKey key = ParseAccessKey(AsBytes(ReadFile(Path("access.json"), 4096).value())).value();
    if (!secret.empty()) key.secret = Secret::CopyOf(AsBytes(secret));
    const int port = ready_["port"];
    HttpPost post =
        MakeHttpsPost({.host = "127.0.0.1", .port = port, .ca_path = Path(ca_path)}).value();
    KeyService service{.host = absl::StrCat("127.0.0.1:", port)};
    service.access_key = std::move(key);
    return {std::move(service), *attester_, std::move(post), NowMs};
  }

  TempDir folder_;
  std::optional<ChildProcess> softnsm_;
  std::unique_ptr<Attester> attester_;
  std::optional<ChildProcess> broker_;
  json ready_;
};

TEST_F(EndToEndTest, KeysAreReleasedToTheProgramTheyAreFor) {
  KeyClient client = Client();
  const absl::StatusOr<DataKey> made = client.GenerateDataKey("alias/own", 32, {{"study", "wdbc"}});
  ASSERT_TRUE(made.ok()) << made.status();
  const absl::StatusOr<Secret> again = client.Decrypt(made->blob, {{"study", "wdbc"}});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->span(), made->key.span());
  EXPECT_FALSE(client.Decrypt(made->blob, {{"study", "other"}}).ok());
  EXPECT_EQ(client.GenerateRandom(48)->size(), 48U);
  const absl::StatusOr<Bytes> blob = client.Encrypt("alias/own", AsBytes("from home"), {});
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_EQ(AsText(client.Decrypt(*blob, {})->span()), "from home");

  const absl::Status refused = client.GenerateDataKey("alias/other", 32, {}).status();
  EXPECT_EQ(ErrorCode(refused), "key_refused");
  EXPECT_NE(Explain(refused).found.find("evidence_registers"), std::string::npos) << refused;
  EXPECT_EQ(VerifyLog()["decisions"], 7);

  // Keys and log outlive the broker.
  broker_->Signal(SIGTERM);
  EXPECT_EQ(ReadJson(*broker_)["decisions"], 7);
  EXPECT_EQ(broker_->Wait(), kExitDone);
  Serve();
  EXPECT_EQ(ready_["decisions"], 7);
  EXPECT_EQ(AsText(Client().Decrypt(*blob, {})->span()), "from home");
  EXPECT_EQ(VerifyLog()["decisions"], 8);
}

TEST_F(EndToEndTest, KeysMadeWhileItServesAreKnownAtOnce) {
  KeyClient client = Client();
  EXPECT_NE(ErrorCode(client.Encrypt("alias/later", AsBytes("x"), {}).status()), "");
  Broker({"key", "create", "later", "--unattested"});
  EXPECT_TRUE(client.Encrypt("alias/later", AsBytes("x"), {}).ok());
  // A store that cannot be read leaves the keys as they were.
  ASSERT_TRUE(WriteFileAtomic(Path("broker/store.sealed"), "no store", /*secret=*/true).ok());
  EXPECT_TRUE(client.Encrypt("alias/later", AsBytes("x"), {}).ok());
}

TEST_F(EndToEndTest, OnlyCallersOfTheBrokerAreAnswered) {
  const absl::Status status =
      Client("broker/tls.pem", std::string(40, 'x')).GenerateRandom(8).status();
  EXPECT_EQ(ErrorCode(status), "key_service_error");
  EXPECT_NE(Explain(status).found.find("InvalidSignatureException"), std::string::npos) << status;
  const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
  EXPECT_NE(log.find("signature_wrong"), std::string::npos) << log;
}

TEST_F(EndToEndTest, OnlyTheBrokersCertificateIsTrusted) {
  EXPECT_EQ(ErrorCode(Client("nsm/root.pem").GenerateRandom(8).status()),
            "key_service_unreachable");
  EXPECT_EQ(VerifyLog()["decisions"], 0);
  EXPECT_EQ(ErrorCode(MakeHttpsPost({.host = "127.0.0.1", .ca_path = Path("passphrase")}).status()),
            "ca_malformed");
}

}  // namespace
}  // namespace sealfold
