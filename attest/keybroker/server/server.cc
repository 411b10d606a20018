#include "attest/keybroker/server/server.h"

#include <httplib.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "attest/keybroker/kms/authorize.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kThreads = 8;
constexpr time_t kReadWait_s = 10;
constexpr char kContentType[] = "application/x-amz-json-1.1";

// What a request may be before any of its body is read: 0, or the status that refuses it. The
// library bounds a body by its Content-Length alone, and not what comes of chunks or of
// compression.
int RefusalOf(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding") ||
      request.is_multipart_form_data()) {
    return 415;
  }
  if (request.get_header_value_count("Content-Length") != 1) return 411;
  const std::string length = request.get_header_value("Content-Length");
  uint64_t size = 0;
  if (!std::all_of(length.begin(), length.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(length, &size)) {
    return 400;
  }
  return size > kKmsBodySizeMax ? 413 : 0;
}

// InvalidArgument for a header that comes twice: which one was signed would be a matter of taste.
absl::StatusOr<SignedRequest> AsSigned(const httplib::Request& request) {
  SignedRequest out{.method = request.method, .path = request.path, .body = AsBytes(request.body)};
  for (const auto& [name, value] : request.headers) {
    if (!out.headers.emplace(absl::AsciiStrToLower(name), value).second) {
      return BadInput({.code = "authorization_malformed",
                       .what = "the request's headers",
                       .expected = "each once",
                       .found = absl::StrCat("'", name.substr(0, 40), "' twice")});
    }
  }
  return out;
}

class HttpsKmsServer final : public KmsServer {
 public:
  HttpsKmsServer(Broker& broker, KmsServerOptions options)
      : broker_(broker),
        options_(std::move(options)),
        server_(options_.certificate_path.c_str(), options_.key_path.c_str()) {}

  absl::Status Bind() {
    if (!server_.is_valid()) {
      return BadInput({.code = "certificate_unusable",
                       .what = absl::StrCat("certificate ", options_.certificate_path, ", key ",
                                            options_.key_path),
                       .expected = "a certificate and its key, PEM",
                       .found = "what OpenSSL cannot use"});
    }
    SSL_CTX_set_min_proto_version(server_.ssl_context(), TLS1_2_VERSION);
    server_.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server_.set_payload_max_length(kKmsBodySizeMax);
    server_.set_keep_alive_max_count(1);  // so nothing follows a request whose body was not read
    server_.set_pre_routing_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          const int refusal = RefusalOf(request);
          if (refusal == 0) return httplib::Server::HandlerResponse::Unhandled;
          response.status = refusal;
          return httplib::Server::HandlerResponse::Handled;
        });
    server_.set_expect_100_continue_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          const int refusal = RefusalOf(request);
          if (refusal == 0) return 100;
          return response.status = refusal;
        });
    server_.set_read_timeout(kReadWait_s);
    server_.Post("/", [this](const httplib::Request& request, httplib::Response& response) {
      Answer(request, response);
    });
    port_ = options_.port == 0 ? server_.bind_to_any_port(options_.host)
            : server_.bind_to_port(options_.host, options_.port) ? options_.port
                                                                 : -1;
    if (port_ > 0) return absl::OkStatus();
    return BadInput({.code = "listen_failed",
                     .what = absl::StrCat("address ", options_.host, ":", options_.port),
                     .expected = "one of this machine's that is free",
                     .found = "one that cannot be listened on"});
  }

  int port() const override { return port_; }

  absl::Status Run(int stop_fd) override {
    std::thread serving([this] { server_.listen_after_bind(); });
    pollfd stop{.fd = stop_fd, .events = POLLIN, .revents = 0};
    while (poll(&stop, 1, -1) < 0 && errno == EINTR) continue;
    while (!server_.is_running()) std::this_thread::yield();  // stop() before that would be lost
    server_.stop();
    serving.join();
    return absl::OkStatus();
  }

 private:
  void Answer(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (options_.before_answer) options_.before_answer();
    const uint64_t now_ms = options_.now_ms();
    const absl::StatusOr<SignedRequest> signed_request = AsSigned(request);
    const absl::StatusOr<std::string> caller =
        signed_request.ok() ? Authorize(broker_.store(), *signed_request, now_ms)
                            : absl::StatusOr<std::string>(signed_request.status());
    const KmsAnswer answer =
        broker_.Answer(caller, request.get_header_value("X-Amz-Target"), request.body, now_ms);
    response.status = answer.status;
    response.set_content(answer.body, kContentType);
  }

  Broker& broker_;
  const KmsServerOptions options_;
  std::mutex mutex_;  // guards broker_
  httplib::SSLServer server_;
  int port_ = -1;
};

}  // namespace

absl::StatusOr<std::unique_ptr<KmsServer>> KmsServer::Listen(Broker& broker,
                                                             KmsServerOptions options) {
  auto server = std::make_unique<HttpsKmsServer>(broker, std::move(options));
  SEALFOLD_RETURN_IF_ERROR(server->Bind());
  return std::unique_ptr<KmsServer>(std::move(server));
}

}  // namespace sealfold
