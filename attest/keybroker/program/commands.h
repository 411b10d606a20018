// What the verbs of sealfold-keybroker do. A broker's folder has
//   store.sealed    keys, callers and trusted platforms, under the passphrase or a TPM
//   decisions.log   every decision, chained
//   tls.pem, tls.key   a certificate of its own, for clients to pin
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_COMMANDS_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_COMMANDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "protocol/program/program.h"

namespace sealfold {

struct BrokerFolder {
  std::string path = {};
  std::string passphrase_path = {};  // a file that its owner alone can read; or else
  std::string tpm = {};              // "device:/dev/tpmrm0", "swtpm:path=..."
};

struct InitOptions {
  std::string software_root_path = {};  // PEM of a sealfold-softnsm's root; empty: AWS's platforms
  std::vector<std::string> hosts = {"localhost", "127.0.0.1"};  // names of the certificate
};
// InvalidArgument ("store_exists") rather than overwrite.
absl::Status InitCommand(const BrokerFolder& folder, const InitOptions& options,
                         const Output& output);

absl::Status CreateKeyCommand(const BrokerFolder& folder, const std::string& name,
                              const std::vector<std::string>& conditions, bool unattested,
                              const Output& output);
// A key whose conditions are those of releases.
struct ReleasedKeyOptions {
  std::string release_path = {};
  std::string platform = {};
  std::vector<std::string> signers = {};  // hex
  uint64_t k = 0;
  std::string log_key = {};  // hex; may be empty
};
absl::Status CreateReleasedKeyCommand(const BrokerFolder& folder, const std::string& name,
                                      const ReleasedKeyOptions& options, const Output& output);
// The change is a line of the log, so no broker may be serving.
absl::Status ApplyReleaseCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& release_path, const Output& output);
absl::Status ListKeysCommand(const BrokerFolder& folder, const Output& output);
// Writes the access key to `out_path`, for its owner alone.
absl::Status CreateCallerCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& out_path, const Output& output);
absl::Status ListCallersCommand(const BrokerFolder& folder, const Output& output);

struct RevocationOptions {
  std::string platform = {};                 // empty: every platform that is trusted
  std::vector<std::string> list_paths = {};  // X.509 lists, PEM or DER; none: no lists from now on
  bool accept_expired = false;
  std::string demand = "none";  // as CborEnumNames(ListDemand) has it
};
// Has these lists take the place of those before. They are copied into the store.
absl::Status SetRevocationCommand(const BrokerFolder& folder, const RevocationOptions& options,
                                  const Output& output);
// The platforms whose evidence is believed, each with its lists.
absl::Status ListTrustCommand(const BrokerFolder& folder, const Output& output);

struct ServeOptions {
  std::string listen = {};            // HOST:PORT
  std::string certificate_path = {};  // both empty: the folder's own
  std::string key_path = {};
};
absl::Status ServeCommand(const BrokerFolder& folder, const ServeOptions& options,
                          const Output& output);

absl::Status VerifyLogCommand(const std::string& folder_path, const std::string& head,
                              const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_COMMANDS_H_
