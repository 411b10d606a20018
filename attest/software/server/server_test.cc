// Who may get a document for whom. The test itself is the caller.
#include "attest/software/server/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "attest/attester.h"
#include "attest/measure/program_file.h"
#include "attest/testing/programs/raw_client.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'780'272'000'000;

class SoftnsmServerTest : public testing::Test {
 protected:
  SoftnsmServerTest() : path_(dir_.Path("nsm.sock")) {
    int ends[2];
    SEALFOLD_CHECK(pipe(ends) == 0);
    stop_read_ = UniqueFd(ends[0]);
    stop_write_ = UniqueFd(ends[1]);
    server_ = MakeServer(path_).value();
  }
  ~SoftnsmServerTest() override {
    stop_write_ = UniqueFd();  // the pipe's end makes it readable
    if (thread_.joinable()) thread_.join();
  }

  absl::StatusOr<std::unique_ptr<SoftnsmServer>> MakeServer(const std::string& path) {
    Softnsm softnsm(Authority::Open(dir_.Path("state"), kNow_ms).value(), "softnsm-test");
    root_pem_ = softnsm.root().Pem();
    return SoftnsmServer::Listen(
        std::move(softnsm),
        {.socket_path = path, .connections_max = 8, .now_ms = [] { return kNow_ms; }});
  }
  // From here on, what has been sent is answered.
  void Run() {
    thread_ = std::thread([this] { EXPECT_TRUE(server_->Run(stop_read_.get()).ok()); });
  }

  TempDir dir_;
  std::string path_;
  std::string root_pem_;
  UniqueFd stop_read_;
  UniqueFd stop_write_;
  std::unique_ptr<SoftnsmServer> server_;
  std::thread thread_;
};

TEST_F(SoftnsmServerTest, MeasuresTheCallersExecutable) {
  Run();
  auto attester = ConnectSoftwareAttester(path_);
  ASSERT_TRUE(attester.ok()) << attester.status();
  EXPECT_EQ((*attester)->platform(), "sealfold-softnsm");
  const Measurement self = MeasureProgram("/proc/self/exe").value();
  for (int i = 0; i < 3; ++i) {
    auto document = (*attester)->Attest(AsBytes("nonce"), AsBytes("user data"), AsBytes("key"));
    ASSERT_TRUE(document.ok()) << document.status();
    Verdict verdict = VerifyEvidence(
        *document,
        {.platform = "sealfold-softnsm",
         .root_pem = root_pem_,
         .reference_values = {{.name = "self", .registers = {{0, ToBytes(self.span())}}}}},
        {.nonce = ToBytes(AsBytes("nonce")),
         .user_data = ToBytes(AsBytes("user data")),
         .public_key = ToBytes(AsBytes("key")),
         .now_ms = kNow_ms});
    EXPECT_TRUE(verdict.passed()) << verdict.status();
  }
}

TEST_F(SoftnsmServerTest, ARequestFromBeforeTheMeasurementIsNotAttested) {
  // Sent before the server accepts the connection: its sender could be another program by now.
  UniqueFd fd = RawConnect(path_);
  RawSend(fd.get(), EncodeNsmRequest(NsmAttestationRequest{}));
  Run();
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InvalidOperation");
  // The next one comes from the program that was measured.
  EXPECT_EQ(Kind(RawAsk(fd.get(), NsmAttestationRequest{})), "a document");
}

TEST_F(SoftnsmServerTest, NorIsOneQueuedBehindAnother) {
  UniqueFd fd = RawConnect(path_);
  RawSend(fd.get(), EncodeNsmRequest(NsmDescribeRequest{}));
  RawSend(fd.get(), EncodeNsmRequest(NsmAttestationRequest{}));
  RawSend(fd.get(), EncodeNsmRequest(NsmDescribePcrRequest{}));
  Run();
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "another response");
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InvalidOperation");
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InvalidOperation");
  EXPECT_EQ(Kind(RawAsk(fd.get(), NsmAttestationRequest{})), "a document");
}

TEST_F(SoftnsmServerTest, AnotherProcessOnTheSameConnectionIsRefused) {
  Run();
  UniqueFd fd = RawConnect(path_);
  EXPECT_EQ(Kind(RawAsk(fd.get(), NsmDescribeRequest{})), "another response");
  const Bytes request = EncodeNsmRequest(NsmAttestationRequest{});
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // only what is safe in the fork of a program with threads
    _exit(send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InvalidOperation");
  EXPECT_EQ(Kind(RawAsk(fd.get(), NsmAttestationRequest{})), "a document");
}

TEST_F(SoftnsmServerTest, BadPacketsGetErrorsAndTheConnectionGoesOn) {
  Run();
  UniqueFd fd = RawConnect(path_);
  RawSend(fd.get(), Bytes{0xff});
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InvalidArgument");
  RawSend(fd.get(), Bytes(kNsmRequestSizeMax + 1));
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InputTooLarge");
  RawSend(fd.get(), Bytes(100'000));
  EXPECT_EQ(Kind(ParseNsmResponse(RawReceive(fd.get())).value()), "InputTooLarge");
  EXPECT_EQ(Kind(RawAsk(fd.get(), NsmAttestationRequest{})), "a document");
}

TEST_F(SoftnsmServerTest, ServesMoreCallersThanItHoldsConnections) {
  Run();
  std::vector<std::thread> callers;
  std::atomic<int> served = 0;
  for (int i = 0; i < 20; ++i) {
    callers.emplace_back([&] {
      UniqueFd fd = RawConnect(path_);
      if (Kind(RawAsk(fd.get(), NsmDescribeRequest{})) == "another response" &&
          Kind(RawAsk(fd.get(), NsmAttestationRequest{})) == "a document") {
        ++served;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(served, 20);
}

TEST_F(SoftnsmServerTest, ACallerThatDoesNotReadHoldsUpNobody) {
  Run();
  UniqueFd rude = RawConnect(path_);
  UniqueFd polite = RawConnect(path_);
  const Bytes request = EncodeNsmRequest(NsmRandomRequest{});
  // Until the server has stopped to read the rude one's requests: every answer to the polite one is
  // a turn in which it would have read one, and the system's buffers hold fewer than that many.
  size_t sent = 0;
  for (int turns = 0; turns < 2000;) {
    if (send(rude.get(), request.data(), request.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      ++sent;
      turns = 0;
    } else {
      ASSERT_EQ(Kind(RawAsk(polite.get(), NsmDescribeRequest{})), "another response");
      ++turns;
    }
  }
  EXPECT_EQ(Kind(RawAsk(polite.get(), NsmAttestationRequest{})), "a document");
  // Nothing is lost for all that.
  const timeval wait{.tv_sec = 30, .tv_usec = 0};
  ASSERT_EQ(setsockopt(rude.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
  for (size_t i = 0; i < sent; ++i) {
    const absl::StatusOr<NsmResponse> response = ParseNsmResponse(RawReceive(rude.get()));
    ASSERT_TRUE(response.ok()) << i << " of " << sent;
    ASSERT_EQ(Kind(*response), "another response") << i;
  }
}

TEST_F(SoftnsmServerTest, TheSocketIsItsUsersAlone) {
  struct stat file {};
  ASSERT_EQ(stat(path_.c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
}

TEST_F(SoftnsmServerTest, TakesOnlyAPathThatIsFree) {
  EXPECT_EQ(ErrorCode(MakeServer(path_).status()), "softnsm_path_taken");
  ASSERT_TRUE(WriteFileAtomic(dir_.Path("file"), "precious").ok());
  EXPECT_EQ(ErrorCode(MakeServer(dir_.Path("file")).status()), "softnsm_path_taken");
  EXPECT_EQ(ReadFile(dir_.Path("file"), 100).value(), "precious");
  EXPECT_EQ(ErrorCode(MakeServer(dir_.Path("none/sock")).status()), "softnsm_listen");
  EXPECT_EQ(ErrorCode(MakeServer(std::string(200, 'x')).status()), "socket_path_length");

  // One left behind by a process that was killed.
  {
    UniqueFd killed(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    const sockaddr_un address = SocketAddress(dir_.Path("stale")).value();
    ASSERT_EQ(bind(killed.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  EXPECT_TRUE(MakeServer(dir_.Path("stale")).ok());
}

TEST_F(SoftnsmServerTest, RemovesItsSocketWhenItGoes) {
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_EQ(ErrorCode(ConnectSoftwareAttester(path_).status()), "attester_unreachable");
}

TEST_F(SoftnsmServerTest, AnAttesterTellsErrorsFromDocuments) {
  Run();
  auto attester = ConnectSoftwareAttester(path_);
  ASSERT_TRUE(attester.ok());
  auto refused = (*attester)->Attest(Bytes(513), {}, {});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorCode(refused.status()), "attester_refused");
  EXPECT_EQ(Explain(refused.status()).found, "error InputTooLarge");
  EXPECT_TRUE((*attester)->Attest(Bytes(512), {}, {}).ok());
}

}  // namespace
}  // namespace sealfold
