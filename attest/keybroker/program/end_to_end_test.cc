// The broker's program, a program that asks it, and sealfold-softnsm's evidence, as processes on
// one machine: this test is the program whose measurement keys are released to.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "attest/keyclient/transport/https_transport.h"
#include "attest/keyclient/transport/tls_post.h"
#include "attest/testing/programs/broker_process.h"
#include "attest/testing/programs/processes.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;

std::string OwnPcr0() {
  return Sha384(AsBytes(ReadFile("/proc/self/exe", size_t{1} << 30).value())).hex();
}

class EndToEndTest : public ::testing::Test {
 protected:
  EndToEndTest() {
    EXPECT_TRUE(
        WriteFileAtomic(Path("passphrase"), "correct horse battery staple\n", /*secret=*/true)
            .ok());
    broker_.Run({"init", "--software-root", Path("nsm/root.pem")});
    broker_.Run({"key", "create", "own", "--condition",
                 absl::StrCat("kms:RecipientAttestation:PCR0=", OwnPcr0())});
    broker_.Run({"key", "create", "other", "--condition",
                 absl::StrCat("kms:RecipientAttestation:ImageSha384=", std::string(96, 'a'))});
    broker_.Run({"caller", "create", "hospital", "--out", Path("access.json")});
    broker_.Serve();
  }

  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  json VerifyLog() const {
    return json::parse(RunWell({SEALFOLD_KEYBROKER, "log", "verify", "--state", Path("broker"),
                                "--head", broker_.ready()["head"].get<std::string>(), "--json"}));
  }

  KeyClient Client(absl::string_view ca_path = "broker/tls.pem",
                   absl::string_view secret = "") const {
    AccessKey key = ParseAccessKey(AsBytes(ReadFile(Path("access.json"), 4096).value())).value();
    if (!secret.empty()) key.secret = Secret::CopyOf(AsBytes(secret));
    const int port = broker_.port();
    HttpPost post =
        MakeHttpsPost({.host = "127.0.0.1", .port = port, .ca_path = Path(ca_path)}).value();
    KeyService service{.host = absl::StrCat("127.0.0.1:", port)};
    service.access_key = std::move(key);
    return {std::move(service), *attester_, std::move(post), WallMs};
  }

  // The platform that is trusted, two keys, a caller.
  static constexpr int kMade = 4;

  TempDir folder_;
  const ChildProcess softnsm_ = StartSoftnsm(SEALFOLD_SOFTNSM, folder_);
  const std::unique_ptr<Attester> attester_ = ConnectSoftwareAttester(Path("nsm.sock")).value();
  BrokerProcess broker_{
      SEALFOLD_KEYBROKER, Path("broker"), {"--passphrase-file", Path("passphrase")}};
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
  EXPECT_EQ(VerifyLog()["decisions"], kMade + 7);

  // Keys and log outlive the broker.
  EXPECT_EQ(broker_.Stop()["decisions"], kMade + 7);
  broker_.Serve();
  EXPECT_EQ(broker_.ready()["decisions"], kMade + 7);
  EXPECT_EQ(AsText(Client().Decrypt(*blob, {})->span()), "from home");
  EXPECT_EQ(VerifyLog()["decisions"], kMade + 8);
}

TEST_F(EndToEndTest, ARootIsTakenWhateverStandsBesideIt) {
  const std::string root = ReadFile(Path("nsm/root.pem"), 1 << 16).value();
  ASSERT_TRUE(WriteFileAtomic(Path("root.pem"), "friendlyName: M\xfcnchen\n" + root).ok());
  const BrokerProcess other(SEALFOLD_KEYBROKER, Path("other"),
                            {"--passphrase-file", Path("passphrase")});
  EXPECT_EQ(other.Run({"init", "--software-root", Path("root.pem")})["platforms"],
            json({"sealfold-softnsm"}));
}

TEST_F(EndToEndTest, KeysMadeWhileItServesAreKnownAtOnce) {
  KeyClient client = Client();
  EXPECT_NE(ErrorCode(client.Encrypt("alias/later", AsBytes("x"), {}).status()), "");
  broker_.Run({"key", "create", "later", "--unattested"});
  EXPECT_TRUE(client.Encrypt("alias/later", AsBytes("x"), {}).ok());
  // A store that cannot be read leaves the keys as they were.
  ASSERT_TRUE(WriteFileAtomic(Path("broker/store.sealed"), "no store", /*secret=*/true).ok());
  EXPECT_TRUE(client.Encrypt("alias/later", AsBytes("x"), {}).ok());
}

TEST_F(EndToEndTest, RevocationListsThatAreDemandedWhileItServesCountAtOnce) {
  KeyClient client = Client();
  EXPECT_TRUE(client.GenerateDataKey("alias/own", 32, {}).ok());
  EXPECT_EQ(broker_.Run({"trust", "revocation", "--demand", "every"})["demand"], "every");
  const absl::Status refused = client.GenerateDataKey("alias/own", 32, {}).status();
  EXPECT_EQ(ErrorCode(refused), "key_refused");
  EXPECT_NE(Explain(refused).found.find("evidence_revocation_coverage"), std::string::npos)
      << refused;
  EXPECT_EQ(broker_.Run({"trust", "list"})["demand"], "every");
  EXPECT_EQ(broker_.Run({"trust", "revocation", "--demand", "none"})["demand"], "none");
  EXPECT_TRUE(client.GenerateDataKey("alias/own", 32, {}).ok());
  const absl::StatusOr<ProgramResult> no_list =
      RunToEnd(broker_.Arguments({"trust", "revocation", "--list", Path("passphrase")}));
  EXPECT_EQ(no_list->exit_code, kExitBadInput);
  EXPECT_NE(no_list->err.find("revocation_list_malformed"), std::string::npos) << no_list->err;
}

TEST_F(EndToEndTest, ReleasesWaitWhileTheStoreThatWasWrittenCannotBeOpened) {
  KeyClient client = Client();
  EXPECT_TRUE(client.GenerateDataKey("alias/own", 32, {}).ok());
  broker_.Run({"trust", "revocation", "--demand", "every"});
  std::filesystem::rename(Path("passphrase"), Path("elsewhere"));
  for (int i = 0; i < 2; ++i) {
    const absl::Status waiting = client.GenerateDataKey("alias/own", 32, {}).status();
    EXPECT_EQ(ErrorCode(waiting), "key_service_error");
    EXPECT_NE(Explain(waiting).found.find("store_unread"), std::string::npos) << waiting;
  }
  EXPECT_TRUE(client.Encrypt("alias/own", AsBytes("x"), {}).ok());
  std::filesystem::rename(Path("elsewhere"), Path("passphrase"));
  // The same file, tried again.
  const absl::Time give_up = absl::Now() + absl::Seconds(30);
  absl::Status status;
  do {
    absl::SleepFor(absl::Milliseconds(500));
    status = client.GenerateDataKey("alias/own", 32, {}).status();
  } while (ErrorCode(status) == "key_service_error" && absl::Now() < give_up);
  EXPECT_EQ(ErrorCode(status), "key_refused");
  EXPECT_NE(Explain(status).found.find("evidence_revocation_coverage"), std::string::npos)
      << status;
  const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
  EXPECT_NE(log.find("store_unread"), std::string::npos) << log;
}

TEST_F(EndToEndTest, NewKeysAndCallersAreInTheLog) {
  // "operation name", of whatever a store's administrator did.
  const auto changes = [this] {
    std::vector<std::string> out;
    const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
    for (absl::string_view line : absl::StrSplit(log, '\n', absl::SkipEmpty())) {
      const json decision = json::parse(line);
      if (decision["caller"] != "(administrator)") continue;
      out.push_back(absl::StrCat(decision["operation"].get<std::string>(), " ",
                                 decision.value("name", decision.value("platform", ""))));
    }
    return out;
  };
  std::vector<std::string> expected = {"TrustPlatform sealfold-softnsm", "CreateKey own",
                                       "CreateKey other", "CreateCaller hospital"};
  EXPECT_EQ(changes(), expected);
  // By the broker that serves, when it takes them up; by the verb where none does.
  const json made = broker_.Run({"key", "create", "later", "--unattested"});
  EXPECT_TRUE(Client().Encrypt("alias/later", AsBytes("x"), {}).ok());
  expected.emplace_back("CreateKey later");
  EXPECT_EQ(changes(), expected);
  broker_.Run({"caller", "create", "second", "--out", Path("second.json")});
  broker_.Stop();
  expected.emplace_back("CreateCaller second");
  EXPECT_EQ(changes(), expected);
  broker_.Run({"key", "create", "last", "--unattested"});
  expected.emplace_back("CreateKey last");
  EXPECT_EQ(changes(), expected);
  const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
  EXPECT_NE(log.find(made["key_id"].get<std::string>()), std::string::npos) << log;
  EXPECT_EQ(VerifyLog()["decisions"], expected.size() + 1);
}

// What is killed between the store and the log leaves its line to the next.
TEST_F(EndToEndTest, ACrashLeavesNoChangeOutOfTheLog) {
  const auto lines_of = [&](absl::string_view name) {
    const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
    return std::vector<std::string>(absl::StrSplit(log, absl::StrCat("\"", name, "\""))).size() - 1;
  };
  const auto left = [&] { return std::filesystem::exists(Path("broker/store.unlogged")); };
  broker_.Run({"key", "create", "served", "--unattested"});
  EXPECT_TRUE(left());
  broker_.Kill();
  EXPECT_EQ(lines_of("served"), 0U);
  broker_.Serve();
  EXPECT_EQ(lines_of("served"), 1U);
  EXPECT_FALSE(left());
  broker_.Run({"key", "create", "taken", "--unattested"});
  broker_.Stop();
  EXPECT_EQ(lines_of("taken"), 1U);
  EXPECT_FALSE(left());

  // As a verb leaves it.
  const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
  const std::string store = ReadFile(Path("broker/store.sealed"), 1 << 20).value();
  broker_.Run({"key", "create", "late", "--unattested"});
  EXPECT_FALSE(left());
  ASSERT_TRUE(WriteFileAtomic(Path("broker/decisions.log"), log, /*secret=*/true).ok());
  ASSERT_TRUE(WriteFileAtomic(Path("broker/store.unlogged"), store, /*secret=*/true).ok());
  broker_.Run({"key", "create", "next", "--unattested"});
  EXPECT_EQ(lines_of("late"), 1U);
  EXPECT_EQ(lines_of("next"), 1U);
  EXPECT_FALSE(left());
  broker_.Serve();
  EXPECT_EQ(VerifyLog()["decisions"], kMade + 4);
}

TEST_F(EndToEndTest, ChangesOfWhomToTrustAreInTheLog) {
  const auto lines = [this] {
    const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
    return std::vector<std::string>(absl::StrSplit(log, "SetRevocation")).size() - 1;
  };
  broker_.Run({"trust", "revocation", "--demand", "every"});
  EXPECT_TRUE(Client().Encrypt("alias/own", AsBytes("x"), {}).ok());
  EXPECT_EQ(lines(), 1U);
  broker_.Run({"trust", "revocation", "--demand", "published"});
  broker_.Stop();  // which no request came before
  EXPECT_EQ(lines(), 2U);
  broker_.Run({"trust", "revocation", "--demand", "none"});
  EXPECT_EQ(lines(), 3U);
  broker_.Run({"trust", "revocation", "--demand", "none"});  // as it is
  EXPECT_EQ(lines(), 3U);
  EXPECT_EQ(VerifyLog()["decisions"], kMade + 4);
}

TEST_F(EndToEndTest, OnlyCallersOfTheBrokerAreAnswered) {
  const absl::Status status =
      Client("broker/tls.pem", std::string(40, 'x')).GenerateRandom(8).status();
  EXPECT_EQ(ErrorCode(status), "key_service_error");
  EXPECT_NE(Explain(status).found.find("InvalidSignatureException"), std::string::npos) << status;
  EXPECT_EQ(Explain(status).found.find("hospital"), std::string::npos) << status;
  const std::string log = ReadFile(Path("broker/decisions.log"), 1 << 20).value();
  EXPECT_NE(log.find("signature_wrong"), std::string::npos) << log;
}

// As an aggregator asks, whose host carries the bytes: here a socket of the test's.
TEST_F(EndToEndTest, TlsEndsWithWhoAsksThoughAnotherHasTheSocket) {
  const auto ask = [this](const std::string& host, absl::string_view ca_path) {
    UniqueFd fd(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(broker_.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SEALFOLD_CHECK(
        connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    TlsService service{.host = host, .ca_pem = ReadFile(Path(ca_path), 1 << 20).value()};
    SEALFOLD_CHECK(CheckTlsService(service).ok());
    KeyService by_name{.host = host};
    by_name.access_key =
        ParseAccessKey(AsBytes(ReadFile(Path("access.json"), 4096).value())).value();
    KeyClient client(std::move(by_name), *attester_, MakeTlsPost(std::move(service), std::move(fd)),
                     WallMs);
    absl::Status first = client.GenerateDataKey("alias/own", 32, {}).status();
    EXPECT_EQ(ErrorCode(client.GenerateRandom(8).status()), "key_service_unreachable");  // used up
    return first;
  };
  signal(SIGPIPE, SIG_IGN);
  EXPECT_TRUE(ask("127.0.0.1", "broker/tls.pem").ok());
  EXPECT_TRUE(ask("localhost", "broker/tls.pem").ok());
  for (const auto& [host, ca] :
       {std::pair("example.org", "broker/tls.pem"), std::pair("127.0.0.2", "broker/tls.pem"),
        std::pair("127.0.0.1", "nsm/root.pem")}) {
    const absl::Status refused = ask(host, ca);
    EXPECT_EQ(ErrorCode(refused), "key_service_unreachable");
    EXPECT_NE(Explain(refused).found.find("another certificate"), std::string::npos) << refused;
  }
  EXPECT_EQ(ErrorCode(CheckTlsService({.host = "x", .ca_pem = "none"})), "ca_malformed");
  // OpenSSL would look at no name, or take none for its greeting.
  const std::string ca = ReadFile(Path("broker/tls.pem"), 1 << 20).value();
  for (const size_t size : {0, 256}) {
    EXPECT_EQ(ErrorCode(CheckTlsService({.host = std::string(size, 'x'), .ca_pem = ca})),
              "key_service_name");
  }
  EXPECT_TRUE(CheckTlsService({.host = std::string(255, 'x'), .ca_pem = ca}).ok());
}

TEST_F(EndToEndTest, ABlobOfAnotherKeyIsRefusedWhereTheKeyIsNamed) {
  broker_.Run({"key", "create", "hosts", "--condition",
               absl::StrCat("kms:RecipientAttestation:PCR0=", OwnPcr0())});
  broker_.Stop();
  broker_.Serve();
  KeyClient client = Client();
  const Bytes blob = client.Encrypt("alias/hosts", AsBytes("known to the host"), {}).value();
  EXPECT_TRUE(client.Decrypt(blob, {}).ok());
  EXPECT_EQ(ErrorCode(client.Decrypt(blob, {}, "alias/own").status()), "key_service_error");
  EXPECT_TRUE(client.Decrypt(blob, {}, "alias/hosts").ok());
}

TEST_F(EndToEndTest, OnlyTheBrokersCertificateIsTrusted) {
  EXPECT_EQ(ErrorCode(Client("nsm/root.pem").GenerateRandom(8).status()),
            "key_service_unreachable");
  EXPECT_EQ(VerifyLog()["decisions"], kMade);
  EXPECT_EQ(ErrorCode(MakeHttpsPost({.host = "127.0.0.1", .ca_path = Path("passphrase")}).status()),
            "ca_malformed");
}

}  // namespace
}  // namespace sealfold
