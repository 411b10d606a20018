// The Nitro Secure Module of an enclave: one typed call for each of its requests.
#ifndef SEALFOLD_ATTEST_NITRO_NSM_H_
#define SEALFOLD_ATTEST_NITRO_NSM_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "attest/attester.h"
#include "attest/nitro/nsm_message.h"

namespace sealfold {

// All that is known of the device: one request's bytes to it, its response's bytes back.
// Unavailable if it cannot be reached. Blocks while the device works.
using NsmExchange = absl::AnyInvocable<absl::StatusOr<Bytes>(ByteSpan request)>;

// The kernel's driver (Linux 6.8 and later; AWS's own before) at `path`, usually /dev/nsm: one
// ioctl for each exchange, which the kernel allows to CAP_SYS_ADMIN only. Unavailable, code
// "attester_unreachable", if the device cannot be opened.
absl::StatusOr<NsmExchange> OpenNsmDevice(const std::string& path);

// Every call is one exchange. Unavailable, with the codes
//   attester_unreachable   no answer from the device
//   attester_malformed     an answer that cannot be read, or one to another request
//   attester_input_too_large   more than kNsmRequestSizeMax bytes: refused here or by the device
// and one for each other error that the device answers with: attester_invalid_argument,
// attester_invalid_index, attester_read_only_index (a locked register), attester_internal_error,
// ... Moves, does not copy. For one thread at a time.
class Nsm {
 public:
  // `name` is what errors call the device.
  Nsm(std::string name, NsmExchange exchange)
      : name_(std::move(name)), exchange_(std::move(exchange)) {}

  absl::StatusOr<NsmDescribeResponse> Describe();
  absl::StatusOr<NsmDescribePcrResponse> DescribePcr(uint16_t index);
  // The register's new value: the device's digest of the old one and `data`.
  absl::StatusOr<Bytes> ExtendPcr(uint16_t index, ByteSpan data);
  absl::Status LockPcr(uint16_t index);
  // Locks the registers 0 to range - 1.
  absl::Status LockPcrs(uint16_t range);
  absl::StatusOr<Bytes> Attest(NsmAttestationRequest request);
  absl::StatusOr<Bytes> Random();  // as many bytes as the device likes to give, at least one

 private:
  template <class Response>
  absl::StatusOr<Response> Ask(const NsmRequest& request);
  absl::Status Unavailable(absl::string_view code, std::string found) const;

  std::string name_;
  NsmExchange exchange_;
};

// The platform "aws-nitro" by this device; asks it to describe itself first, so that a device which
// does not answer is found out before there is work for it.
absl::StatusOr<std::unique_ptr<Attester>> MakeNsmAttester(Nsm nsm);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_NSM_H_
