#include "attest/keyclient/transport/tls_post.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/transport/http_reply.h"
#include "attest/keyclient/wire/wiped_text.h"
#include "attest/x509/bio.h"
#include "attest/x509/pem.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr timeval kWait = {.tv_sec = 20, .tv_usec = 0};

template <class T, void (*free)(T*)>
struct Freer {
  void operator()(T* it) const { free(it); }
};
using Context = std::unique_ptr<SSL_CTX, Freer<SSL_CTX, SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freer<SSL, SSL_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;

absl::Status Unreachable(const TlsService& service, std::string found) {
  ERR_clear_error();
  return PeerError({.code = "key_service_unreachable",
                    .what = absl::StrCat("key service ", service.host),
                    .expected = "an answer over TLS by a certificate that is trusted",
                    .found = std::move(found)});
}

// Adds them to `store`; how many there are.
int AddCertificates(const std::string& pem, X509_STORE* store) {
  const UniqueBio in = BioOf(pem);
  int count = 0;
  while (
      const Certificate certificate{PEM_read_bio_X509(in.get(), nullptr, &NoPassphrase, nullptr)}) {
    SEALFOLD_CHECK(X509_STORE_add_cert(store, certificate.get()) == 1);
    ++count;
  }
  ERR_clear_error();
  return count;
}

Context MakeContext(const TlsService& service) {
  Context context(SSL_CTX_new(TLS_client_method()));
  SEALFOLD_CHECK(context != nullptr);
  SEALFOLD_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  AddCertificates(service.ca_pem, SSL_CTX_get_cert_store(context.get()));
  return context;
}

Connection MakeConnection(SSL_CTX* context, const TlsService& service, int fd) {
  Connection connection(SSL_new(context));
  SEALFOLD_CHECK(connection != nullptr);
  SSL* const ssl = connection.get();
  // An address is looked for among a certificate's addresses, a name among its names.
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), service.host.c_str()) != 1) {
    ERR_clear_error();
    SEALFOLD_CHECK(SSL_set1_host(ssl, service.host.c_str()) == 1);
    std::string name = service.host;  // OpenSSL's macro for this has a C cast
    SEALFOLD_CHECK(
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1);
  }
  SEALFOLD_CHECK(SSL_set_fd(ssl, fd) == 1);
  return connection;
}

std::string HeadText(const std::map<std::string, std::string>& headers, size_t body_size) {
  std::string text = "POST / HTTP/1.1\r\n";
  for (const auto& [name, value] : headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  absl::StrAppend(&text, "content-length: ", body_size, "\r\nconnection: close\r\n\r\n");
  return text;
}

absl::StatusOr<HttpReply> Ask(const TlsService& service, int fd, const std::string& request) {
  const Context context = MakeContext(service);
  const Connection connection = MakeConnection(context.get(), service, fd);
  SSL* const ssl = connection.get();
  if (SSL_connect(ssl) != 1) {
    const int64_t verified = SSL_get_verify_result(ssl);
    return Unreachable(service, verified == X509_V_OK
                                    ? "no TLS connection"
                                    : absl::StrCat("another certificate: ",
                                                   X509_verify_cert_error_string(verified)));
  }
  if (SSL_write(ssl, request.data(), static_cast<int>(request.size())) !=
      static_cast<int>(request.size())) {
    return Unreachable(service, "the connection ended before all was sent");
  }
  std::string bytes;
  std::array<char, 4096> part = {};
  while (true) {
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<HttpReply> reply, ParseHttpReply(bytes));
    if (reply.has_value()) return *std::move(reply);
    const int size = SSL_read(ssl, part.data(), static_cast<int>(part.size()));
    if (size <= 0) return Unreachable(service, "the connection ended before the answer did");
    bytes.append(part.data(), static_cast<size_t>(size));
  }
}

}  // namespace

absl::Status CheckTlsService(const TlsService& service) {
  // Of an empty name OpenSSL checks nothing.
  if (service.host.empty() || service.host.size() > TLSEXT_MAXLEN_host_name) {
    return BadInput({.code = "key_service_name",
                     .what = "name of the key service",
                     .expected = absl::StrCat("1 to ", TLSEXT_MAXLEN_host_name, " characters"),
                     .found = absl::StrCat(service.host.size())});
  }
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      &X509_STORE_free);
  SEALFOLD_CHECK(store != nullptr);
  if (AddCertificates(service.ca_pem, store.get()) > 0) return absl::OkStatus();
  return BadInput({.code = "ca_malformed",
                   .what = "certificates to trust",
                   .expected = "at least one certificate, PEM",
                   .found = "none"});
}

HttpPost MakeTlsPost(TlsService service, UniqueFd fd) {
  SEALFOLD_CHECK(setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kWait, sizeof(kWait)) == 0);
  SEALFOLD_CHECK(setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kWait, sizeof(kWait)) == 0);
  return [service = std::move(service), fd = std::move(fd), used = false](
             const std::map<std::string, std::string>& headers,
             const std::string& body) mutable -> absl::StatusOr<HttpReply> {
    if (std::exchange(used, true)) return Unreachable(service, "a connection that served already");
    const std::string head = HeadText(headers, body.size());
    WipedText request;
    request->reserve(head.size() + body.size());
    absl::StrAppend(&*request, head, body);
    return Ask(service, fd.get(), *request);
  };
}

}  // namespace sealfold
