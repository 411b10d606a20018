// What stays in the memory of the broker's program of its passphrase, and of the plaintexts that it
// was asked to encrypt or to decrypt. A key that is released without evidence is the hard case: its
// plaintexts are in requests and in answers.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "attest/keyclient/transport/https_transport.h"
#include "attest/keyclient/wire/base64.h"
#include "attest/testing/programs/broker_process.h"
#include "attest/testing/programs/memory_scan.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using nlohmann::json;

class WipingHeapTest : public ::testing::Test {
 protected:
  WipingHeapTest() {
    rlimit core = {};
    EXPECT_EQ(getrlimit(RLIMIT_CORE, &core), 0);
    core.rlim_cur = core.rlim_max;  // as generous as a system may be
    EXPECT_EQ(setrlimit(RLIMIT_CORE, &core), 0);
    EXPECT_TRUE(WriteFileAtomic(folder_.Path("passphrase"), "correct horse battery staple\n",
                                /*secret=*/true)
                    .ok());
    broker_.Run({"init"});
    broker_.Run({"key", "create", "open", "--unattested"});
    broker_.Run({"caller", "create", "hospital", "--out", folder_.Path("access.json")});
    broker_.Serve();
  }
  // As a caller that needs no evidence asks; its answer.
  json Ask(const std::string& operation, const json& request) const {
    const AccessKey key =
        ParseAccessKey(AsBytes(ReadFile(folder_.Path("access.json"), 4096).value())).value();
    HttpPost post = MakeHttpsPost({.host = "127.0.0.1",
                                   .port = broker_.port(),
                                   .ca_path = folder_.Path("broker/tls.pem")})
                        .value();
    const std::string body = request.dump();
    const std::string time = SigV4Time(WallMs());
    SignedRequest to_sign{.headers = {{"content-type", "application/x-amz-json-1.1"},
                                      {"host", absl::StrCat("127.0.0.1:", broker_.port())},
                                      {"x-amz-date", time},
                                      {"x-amz-target", absl::StrCat("TrentService.", operation)}},
                          .body = AsBytes(body)};
    const std::string authorization = SigV4Authorization(
        to_sign, {.date = time.substr(0, 8), .region = "local", .service = "kms"}, key.id,
        key.secret.span());
    to_sign.headers["authorization"] = authorization;
    const absl::StatusOr<HttpReply> reply = post(to_sign.headers, body);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return json::parse(reply->body, nullptr, false);
  }
  // As bytes and as base64, which a message has it in; -1 where no test may look.
  int Count(ByteSpan plaintext) const {
    const std::string text = Base64Encode(plaintext);
    const std::optional<int> bytes = CountInMemory(broker_.pid(), Masked(plaintext));
    const std::optional<int> base64 = CountInMemory(broker_.pid(), Masked(AsBytes(text)));
    return bytes.has_value() && base64.has_value() ? *bytes + *base64 : -1;
  }

  TempDir folder_;
  BrokerProcess broker_{SEALFOLD_KEYBROKER,
                        folder_.Path("broker"),
                        {"--passphrase-file", folder_.Path("passphrase")}};
};

TEST_F(WipingHeapTest, NothingStaysOfThePassphrase) {
  if (Count(AsBytes("hospital")) < 0) GTEST_SKIP() << "no process may look at another's memory";
  EXPECT_EQ(Count(AsBytes("correct horse battery staple")), 0);
}

// Its certificate's key is OpenSSL's, which such a file would have.
TEST_F(WipingHeapTest, ACrashLeavesNoFileOfTheMemory) {
  const std::string limits =
      ReadFile(absl::StrCat("/proc/", broker_.pid(), "/limits"), 1 << 16).value();
  for (absl::string_view line : absl::StrSplit(limits, '\n')) {
    if (!absl::StartsWith(line, "Max core file size")) continue;
    EXPECT_TRUE(absl::StartsWith(line, "Max core file size        0")) << line;
    return;
  }
  FAIL() << limits;
}

TEST_F(WipingHeapTest, NothingStaysOfWhatItWasAskedToEncryptOrDecrypt) {
  const int name = Count(AsBytes("hospital"));
  if (name < 0) GTEST_SKIP() << "no process may look at another's memory here";
  EXPECT_GT(name, 0);  // what it keeps is found
  Bytes small(48);
  Bytes large(3000);
  FillRandom(absl::MakeSpan(small));
  FillRandom(absl::MakeSpan(large));
  for (const Bytes& plaintext : {small, large}) {
    const json sealed =
        Ask("Encrypt", {{"KeyId", "alias/open"}, {"Plaintext", Base64Encode(plaintext)}});
    ASSERT_TRUE(sealed.contains("CiphertextBlob")) << sealed;
    EXPECT_EQ(Count(plaintext), 0) << plaintext.size();
    const json opened = Ask("Decrypt", {{"CiphertextBlob", sealed["CiphertextBlob"]}});
    EXPECT_EQ(opened["Plaintext"], Base64Encode(plaintext));
    EXPECT_EQ(Count(plaintext), 0) << plaintext.size();
  }
  // A request that is refused leaves as little.
  const json refused =
      Ask("Encrypt", {{"KeyId", "alias/none"}, {"Plaintext", Base64Encode(small)}});
  EXPECT_EQ(refused["__type"], "NotFoundException") << refused;
  EXPECT_EQ(Count(small), 0);
  const json odd = Ask("Encrypt", {{"KeyId", 7}, {"Plaintext", Base64Encode(small)}});
  EXPECT_EQ(odd["__type"], "ValidationException") << odd;
  EXPECT_EQ(Count(small), 0);
}

}  // namespace
}  // namespace sealfold
