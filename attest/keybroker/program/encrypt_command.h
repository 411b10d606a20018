// What `sealfold-keybroker encrypt` does: a file encrypted at home, its key left with a key
// service.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_ENCRYPT_COMMAND_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_ENCRYPT_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "attest/keyclient/connect.h"
#include "protocol/program/program.h"

namespace sealfold {

struct EncryptOptions {
  std::string data_path = {};
  std::string terms_path = {};      // what the data may be used for
  std::string owner_key_path = {};  // as `sealfold-participant keygen` writes it
  std::string key_id = {};          // the service's key that the data key is wrapped under
  KeyServiceAddress service = {};
  std::string out_path = {};
};
// Draws a data key, has the service wrap it, and writes the sealed data set
// (protocol/envelope/sealed_data.h). What the service gets is the data key; the data stays.
absl::Status EncryptCommand(const EncryptOptions& options, const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_ENCRYPT_COMMAND_H_
