// The verbs about whose evidence is believed. What they change is a line of the log.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_TRUST_COMMANDS_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_TRUST_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attest/keybroker/folder/broker_folder.h"
#include "protocol/program/program.h"

namespace sealfold {

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

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_TRUST_COMMANDS_H_
