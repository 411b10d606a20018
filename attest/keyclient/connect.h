// A KeyClient from what a command line says.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_CONNECT_H_
#define SEALFOLD_ATTEST_KEYCLIENT_CONNECT_H_

#include <string>

#include "attest/keyclient/key_client.h"

namespace sealfold {

struct KeyServiceAddress {
  std::string endpoint = {};         // HOST:PORT; an IPv6 address in brackets
  std::string ca_path = {};          // PEM: what alone may vouch for the service's certificate
  std::string access_key_path = {};  // as ParseAccessKey reads it
  std::string region = "local";      // KMS's, as eu-central-1
};

// Asks nothing yet. `attester` outlives the client. InvalidArgument: "endpoint_invalid",
// "file_unusable", and as MakeHttpsPost and ParseAccessKey.
absl::StatusOr<KeyClient> ConnectKeyService(const KeyServiceAddress& address, Attester& attester);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_CONNECT_H_
