#include "attest/keyclient/transport/https_transport.h"

#include <httplib.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/x509/bio.h"
#include "attest/x509/pem.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr time_t kWait_s = 20;
constexpr size_t kCaSizeMax = 1 << 20;

bool HasCertificate(const std::string& pem) {
  const UniqueBio in = BioOf(pem);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(in.get(), nullptr, &NoPassphrase, nullptr), &X509_free);
  ERR_clear_error();
  return certificate != nullptr;
}

absl::StatusOr<HttpReply> Post(const HttpsEndpoint& endpoint,
                               const std::map<std::string, std::string>& headers,
                               const std::string& body) {
  httplib::SSLClient client(endpoint.host, endpoint.port);
  SSL_CTX_set_min_proto_version(client.ssl_context(), TLS1_2_VERSION);
  // By its path: beside a store that it is given the library takes the system's certificates too.
  client.set_ca_cert_path(endpoint.ca_path);
  client.enable_server_certificate_verification(true);
  client.set_connection_timeout(kWait_s);
  client.set_read_timeout(kWait_s);
  client.set_write_timeout(kWait_s);
  httplib::Headers sent;
  for (const auto& [name, value] : headers) {
    if (name != "content-type") sent.emplace(name, value);  // the library adds what it is given
  }
  const httplib::Result result = client.Post("/", sent, body, headers.at("content-type"));
  if (result) return HttpReply{.status = result->status, .body = result->body};
  const int64_t verified = client.get_openssl_verify_result();
  return PeerError(
      {.code = "key_service_unreachable",
       .what = absl::StrCat("key service ", endpoint.host, ":", endpoint.port),
       .expected = "an answer over TLS by a certificate that is trusted",
       .found = result.error() == httplib::Error::SSLServerVerification
                    ? absl::StrCat("another certificate: ", X509_verify_cert_error_string(verified))
                    : absl::StrCat("no answer: ", httplib::to_string(result.error())),
       .advice = "see that it runs, and that its address and port are right"});
}

}  // namespace

absl::StatusOr<HttpPost> MakeHttpsPost(HttpsEndpoint endpoint) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string pem, ReadFile(endpoint.ca_path, kCaSizeMax));
  if (!HasCertificate(pem)) {
    return BadInput({.code = "ca_malformed",
                     .what = absl::StrCat("certificates to trust, ", endpoint.ca_path),
                     .expected = "at least one certificate, PEM",
                     .found = "none"});
  }
  return HttpPost([endpoint = std::move(endpoint)](
                      const std::map<std::string, std::string>& headers, const std::string& body) {
    return Post(endpoint, headers, body);
  });
}

}  // namespace sealfold
