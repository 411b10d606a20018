// What strangers may send to the broker's program, over sockets of the test's own.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <csignal>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "attest/testing/programs/broker_process.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr timeval kWait = {.tv_sec = 30, .tv_usec = 0};

// A TLS connection that says what it likes.
class Stranger {
 public:
  explicit Stranger(int port, const char* from = "127.0.0.1") {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    SEALFOLD_CHECK(inet_pton(AF_INET, from, &address.sin_addr) == 1);
    SEALFOLD_CHECK(bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
                   0);
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SEALFOLD_CHECK(setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &kWait, sizeof(kWait)) == 0);
    SEALFOLD_CHECK(setsockopt(fd_.get(), SOL_SOCKET, SO_SNDTIMEO, &kWait, sizeof(kWait)) == 0);
    SEALFOLD_CHECK(
        connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    SEALFOLD_CHECK(SSL_set_fd(ssl_.get(), fd_.get()) == 1);
  }

  bool Greet() { return SSL_connect(ssl_.get()) == 1; }
  bool Send(absl::string_view text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
  }
  // All that comes until the broker ends the connection; "" and `ended` false after kWait.
  std::string Answer() {
    std::string all;
    char part[4096];
    int size = 0;
    while ((size = SSL_read(ssl_.get(), part, sizeof(part))) > 0) {
      all.append(part, static_cast<size_t>(size));
    }
    ended_ = SSL_get_error(ssl_.get(), size) == SSL_ERROR_ZERO_RETURN || errno == ECONNRESET;
    return all;
  }
  bool ended() const { return ended_; }

 private:
  UniqueFd fd_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{SSL_CTX_new(TLS_client_method()),
                                                             &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{SSL_new(context_.get()), &SSL_free};
  bool ended_ = false;
};

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    signal(SIGPIPE, SIG_IGN);
    EXPECT_TRUE(WriteFileAtomic(folder_.Path("passphrase"), "correct horse battery staple\n",
                                /*secret=*/true)
                    .ok());
    broker_.Run({"init"});
    broker_.Serve();
  }
  static std::string Head(absl::string_view more) {
    return absl::StrCat("POST / HTTP/1.1\r\nhost: x\r\n", more, "\r\n");
  }
  // The status, where the connection ends after it; -1 where it does not.
  int StatusAfter(absl::string_view sent) const {
    Stranger stranger(broker_.port());
    if (!stranger.Greet() || !stranger.Send(sent)) return -1;
    const std::string answer = stranger.Answer();
    if (!stranger.ended() || !absl::StartsWith(answer, "HTTP/1.1 ")) return -1;
    return std::stoi(answer.substr(9));
  }

  TempDir folder_;
  BrokerProcess broker_{SEALFOLD_KEYBROKER,
                        folder_.Path("broker"),
                        {"--passphrase-file", folder_.Path("passphrase")}};
};

constexpr int kWithoutCredentials = 400;

TEST_F(ServerTest, ABodyIsReadWhereItsLengthIsSaidAndBounded) {
  EXPECT_EQ(StatusAfter(Head("content-length: 2\r\n") + "{}"), kWithoutCredentials);
  // Refused by what stands before the body, of which nothing is sent.
  EXPECT_EQ(StatusAfter(Head("transfer-encoding: chunked\r\n")), 415);
  EXPECT_EQ(StatusAfter(Head("transfer-encoding: chunked\r\ncontent-length: 2\r\n")), 415);
  EXPECT_EQ(StatusAfter(Head("content-encoding: gzip\r\ncontent-length: 200\r\n")), 415);
  EXPECT_EQ(StatusAfter(Head("content-type: multipart/form-data; boundary=x\r\n"
                             "content-length: 200\r\n")),
            415);
  EXPECT_EQ(StatusAfter(Head("")), 411);
  EXPECT_EQ(StatusAfter(Head("content-length: 2\r\ncontent-length: 2\r\n")), 411);
  EXPECT_EQ(StatusAfter(Head("content-length: 0x10\r\n")), 400);
  EXPECT_EQ(StatusAfter(Head("content-length: 524289\r\n")), 413);
  EXPECT_EQ(StatusAfter(Head("content-length: 524289\r\nexpect: 100-continue\r\n")), 413);
}

// Connections would come to the one or to the other.
TEST_F(ServerTest, TwoBrokersShareNoAddress) {
  const BrokerProcess other(SEALFOLD_KEYBROKER, folder_.Path("other"),
                            {"--passphrase-file", folder_.Path("passphrase")});
  other.Run({"init"});
  std::vector<std::string> serve =
      other.Arguments({"serve", "--listen", absl::StrCat("127.0.0.1:", broker_.port())});
  serve.insert(serve.begin(), {"timeout", "10"});
  const absl::StatusOr<ProgramResult> result = RunToEnd(serve);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, kExitBadInput);
  EXPECT_TRUE(absl::StrContains(result->err, "listen_failed")) << result->err;
}

TEST_F(ServerTest, HeadersWithoutAnEndAreNotTaken) {
  for (const std::string& more : {std::string(4096, 'x'), std::string("x: y\r\n")}) {
    Stranger stranger(broker_.port());
    ASSERT_TRUE(stranger.Greet());
    ASSERT_TRUE(stranger.Send(more.size() > 100 ? "POST /" : "POST / HTTP/1.1\r\n"));
    std::string part;
    while (part.size() < 4096) part += more;
    bool taken = true;
    for (int i = 0; taken && i < 4096; ++i) taken = stranger.Send(part);
    EXPECT_FALSE(taken);
  }
  EXPECT_EQ(StatusAfter(Head("content-length: 2\r\n") + "{}"), kWithoutCredentials);
}

// Each waits for the other end without a word more: before hello, after it, within the headers,
// within the body.
TEST_F(ServerTest, ManyRequestsThatAreNotWholeKeepNobodyFromAnAnswer) {
  std::vector<std::unique_ptr<Stranger>> many;
  for (int i = 0; i < 120; ++i) {
    // Of two addresses, of which one is the caller's.
    many.push_back(
        std::make_unique<Stranger>(broker_.port(), i % 3 == 0 ? "127.0.0.1" : "127.0.0.2"));
    const int how = i % 4;
    if (how == 0 || !many.back()->Greet()) continue;
    if (how == 2) many.back()->Send("POST / HTTP/1.1\r\nhost:");
    if (how == 3) many.back()->Send(Head("content-length: 100\r\n") + "{");
  }
  const absl::Time begin = absl::Now();
  EXPECT_EQ(StatusAfter(Head("content-length: 2\r\n") + "{}"), kWithoutCredentials);
  EXPECT_LT(absl::Now() - begin, absl::Seconds(5));
}

TEST_F(ServerTest, ARequestThatComesByteByByteIsEnded) {
  Stranger stranger(broker_.port());
  ASSERT_TRUE(stranger.Greet());
  const absl::Time begin = absl::Now();
  bool taken = stranger.Send(Head("content-length: 100\r\n"));
  while (taken && absl::Now() - begin < absl::Seconds(30)) {
    absl::SleepFor(absl::Milliseconds(250));
    taken = stranger.Send(" ");
  }
  EXPECT_LT(absl::Now() - begin, absl::Seconds(15));
}

TEST_F(ServerTest, ALongChunkedBodyIsNotTaken) {
  Stranger stranger(broker_.port());
  ASSERT_TRUE(stranger.Greet());
  ASSERT_TRUE(stranger.Send(Head("transfer-encoding: chunked\r\n")));
  const std::string chunk = absl::StrCat("10000\r\n", std::string(0x10000, ' '), "\r\n");
  bool taken = true;
  for (int i = 0; taken && i < 1024; ++i) taken = stranger.Send(chunk);
  EXPECT_FALSE(taken);
}

}  // namespace
}  // namespace sealfold
