// sealfold-softnsm's answers: the NSM's requests, served by a process in the hypervisor's place.
//
// Serves Attestation, DescribePCR, DescribeNSM and GetRandom. There are 16 registers, all locked:
// register 0 is what the caller's executable measures, the others are zero. Nothing that a caller
// sends changes one.
#ifndef SEALFOLD_ATTEST_SOFTWARE_SERVER_SOFTNSM_H_
#define SEALFOLD_ATTEST_SOFTWARE_SERVER_SOFTNSM_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "attest/nitro/nsm_message.h"
#include "attest/software/authority/authority.h"
#include "protocol/base/types.h"

namespace sealfold {

// Moves, does not copy. For one thread.
class Softnsm {
 public:
  // What the caller of a request measures; an error refuses the request with InvalidOperation.
  using MeasureCaller = absl::FunctionRef<absl::StatusOr<Measurement>()>;

  Softnsm(Authority authority, std::string module_id)
      : authority_(std::move(authority)), module_id_(std::move(module_id)) {}

  const Certificate& root() const { return authority_.root(); }

  // The response to one request, in the NSM's encoding, at most kNsmResponseSizeMax bytes.
  // `measure_caller` is called where the response depends on it. Malformed requests are answered
  // with InvalidArgument, too large ones (or parts of them) with InputTooLarge, those that this NSM
  // does not serve with InvalidOperation, an index that it does not have with InvalidIndex.
  Bytes Answer(ByteSpan request, MeasureCaller measure_caller, uint64_t now_ms);

 private:
  NsmResponse Attest(NsmAttestationRequest request, MeasureCaller measure_caller, uint64_t now_ms);

  Authority authority_;
  std::string module_id_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_SERVER_SOFTNSM_H_
