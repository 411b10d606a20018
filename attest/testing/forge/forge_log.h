// Crypto-agile event logs of the tests' own making.
#ifndef SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LOG_H_
#define SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LOG_H_

#include <string>

#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// Little-endian.
inline void AppendInteger(Bytes& out, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; ++i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

// A log with a SHA-1, a SHA-256 and a SHA-384 bank.
class LogWriter {
 public:
  explicit LogWriter(absl::string_view signature = absl::string_view("Spec ID Event03\0", 16)) {
    Bytes data = ToBytes(AsBytes(signature));
    AppendInteger(data, 0, 4);
    for (uint8_t each : {0, 2, 0, 2}) data.push_back(each);
    AppendInteger(data, 3, 4);
    for (auto [alg, size] : {std::pair{0x04, 20}, {0x0b, 32}, {0x0c, 48}}) {
      AppendInteger(data, static_cast<uint64_t>(alg), 2);
      AppendInteger(data, static_cast<uint64_t>(size), 2);
    }
    data.push_back(0);
    AppendInteger(bytes_, 0, 4);
    AppendInteger(bytes_, 3, 4);
    bytes_.resize(bytes_.size() + 20);
    AppendInteger(bytes_, data.size(), 4);
    Append(bytes_, data);
  }

  // An event whose digests are the hashes of `text`.
  LogWriter& Event(uint32_t index, uint32_t type, absl::string_view text) {
    AppendInteger(bytes_, index, 4);
    AppendInteger(bytes_, type, 4);
    AppendInteger(bytes_, 3, 4);
    AppendInteger(bytes_, 0x04, 2);
    bytes_.resize(bytes_.size() + 20, 0x51);
    for (uint16_t alg : {kTpmAlgSha256, kTpmAlgSha384}) {
      AppendInteger(bytes_, alg, 2);
      Append(bytes_, TpmHash(alg, {AsBytes(text)}));
    }
    AppendInteger(bytes_, text.size(), 4);
    Append(bytes_, AsBytes(text));
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// A boot: firmware, boot variables, one application "loader" into register 4, a separator.
inline LogWriter BootLog(absl::string_view loader = "\\EFI\\BOOT\\BOOTX64.EFI") {
  LogWriter log;
  log.Event(0, 0x00000008, "firmware 1");
  log.Event(7, 0x80000001, "SecureBoot");
  log.Event(4, 0x80000007, "Calling EFI Application from Boot Option");
  log.Event(4, 0x00000004, absl::string_view("\0\0\0\0", 4));
  log.Event(4, 0x80000003, loader);
  log.Event(5, 0x80000007, "Exit Boot Services Invocation");
  return log;
}

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LOG_H_
