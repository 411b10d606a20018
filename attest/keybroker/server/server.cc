#include "attest/keybroker/server/server.h"

#include <httplib.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "attest/keybroker/kms/authorize.h"
#include "attest/keybroker/server/connections.h"
#include "attest/keybroker/server/wiping_heap.h"
#include "attest/keyclient/wire/wiped_text.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kContentType[] = "application/x-amz-json-1.1";

std::optional<uint64_t> LengthOf(const httplib::Request& request) {
  const std::string length = request.get_header_value("Content-Length");
  uint64_t size = 0;
  if (!std::all_of(length.begin(), length.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(length, &size)) {
    return std::nullopt;
  }
  return size;
}

// What a request may be before any of its body is read: 0, or the status that refuses it. The
// library bounds a body by its Content-Length alone, and not what comes of chunks or of
// compression.
int RefusalOf(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding") || request.has_header("Content-Encoding") ||
      request.is_multipart_form_data()) {
    return 415;
  }
  if (request.get_header_value_count("Content-Length") != 1) return 411;
  const std::optional<uint64_t> length = LengthOf(request);
  if (!length.has_value()) return 400;
  return *length > kKmsBodySizeMax ? 413 : 0;
}

// InvalidArgument for a header that comes twice: which one was signed would be a matter of taste.
absl::StatusOr<SignedRequest> AsSigned(const httplib::Request& request, const std::string& body) {
  SignedRequest out{.method = request.method, .path = request.path, .body = AsBytes(body)};
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

// Tells `connections`, which outlives it, where a connection's service begins and ends.
class Pool final : public httplib::ThreadPool {
 public:
  explicit Pool(Connections& connections)
      : ThreadPool(Connections::kThreads), connections_(connections) {}
  void enqueue(std::function<void()> serve) override {
    connections_.Accepted();
    ThreadPool::enqueue([this, serve = std::move(serve)] {
      serve();
      WipeStack();  // buffers of bodies, before anything else is read
      connections_.Done();
    });
  }

 private:
  Connections& connections_;
};

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
    connections_.emplace(server_.ssl_context());
    server_.new_task_queue = [this] { return new Pool(*connections_); };
    server_.set_payload_max_length(kKmsBodySizeMax);
    // Not SO_REUSEPORT, as the library has it: two brokers would share an address, and each would
    // be asked what the other knows.
    server_.set_socket_options([](socket_t socket) {
      const int yes = 1;
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    });
    server_.set_keep_alive_max_count(1);  // so nothing follows a request whose body was not read
    server_.set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) {
          const int refusal = RefusalOf(request);
          if (refusal == 0) {
            connections_->HeadersRead();
            return httplib::Server::HandlerResponse::Unhandled;
          }
          response.status = refusal;
          return httplib::Server::HandlerResponse::Handled;
        });
    server_.set_expect_100_continue_handler(
        [](const httplib::Request& request, httplib::Response& response) {
          const int refusal = RefusalOf(request);
          if (refusal == 0) return 100;
          return response.status = refusal;
        });
    server_.set_read_timeout(Connections::kRequestWait);
    server_.Post("/", [this](const httplib::Request& request, httplib::Response& response,
                             const httplib::ContentReader& read) {
      WipedText body;  // a plaintext to encrypt may be in it
      body->reserve(LengthOf(request).value_or(0));
      const bool whole = read([&](const char* data, size_t size) {
        body->append(data, size);
        return true;
      });
      response.status = 400;
      if (!whole) return;
      connections_->RequestRead();
      Answer(request, *body, response);
    });
    port_ = options_.port == 0 ? server_.bind_to_any_port(options_.host)
            : server_.bind_to_port(options_.host, options_.port) ? options_.port
                                                                 : -1;
    if (port_ > 0) return absl::OkStatus();
    return BadInput({.code = "listen_failed",
                     .what = absl::StrCat("address ", options_.host, ":", options_.port),
                     .expected = "one of this machine's that is free",
                     .found = "one that cannot be listened on",
                     .advice = "see what else listens there, or name another port"});
  }

  int port() const override { return port_; }

  absl::Status Run(int stop_fd) override {
    std::atomic<bool> ended = false;
    std::thread serving([&] {
      server_.listen_after_bind();
      ended = true;
    });
    pollfd stop{.fd = stop_fd, .events = POLLIN, .revents = 0};
    constexpr int kLookEach_ms = Connections::kLookEach.count();
    int stopped = 0;
    while (!ended &&
           ((stopped = poll(&stop, 1, kLookEach_ms)) == 0 || (stopped < 0 && errno == EINTR))) {
      connections_->ShutOlderThan(Connections::kRequestWait);
    }
    const bool by_itself = ended;
    while (!ended && !server_.is_running()) {
      std::this_thread::yield();  // stop() before that would be lost
    }
    server_.stop();
    while (!ended) {
      connections_->ShutOlderThan(std::chrono::seconds(0));
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    serving.join();
    if (by_itself) {
      return PeerError({.code = "listen_ended",
                        .what = "the socket that connections come from",
                        .expected = "one that stays",
                        .found = "one that the system has ended"});
    }
    return absl::OkStatus();
  }

 private:
  void Answer(const httplib::Request& request, const std::string& body,
              httplib::Response& response) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (options_.before_answer) options_.before_answer();
    const uint64_t now_ms = options_.now_ms();
    const absl::StatusOr<SignedRequest> signed_request = AsSigned(request, body);
    const absl::StatusOr<std::string> caller =
        signed_request.ok() ? Authorize(broker_.store(), *signed_request, now_ms)
                            : absl::StatusOr<std::string>(signed_request.status());
    const KmsAnswer answer =
        broker_.Answer(caller, request.get_header_value("X-Amz-Target"), body, now_ms);
    response.status = answer.status;
    response.set_content(answer.body, kContentType);
  }

  Broker& broker_;
  const KmsServerOptions options_;
  std::mutex mutex_;  // guards broker_
  std::optional<Connections> connections_;
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
