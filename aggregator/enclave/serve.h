// The aggregator's loop: messages, evidence, time and randomness in; messages out.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_SERVE_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_SERVE_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/core/round/aggregator.h"
#include "aggregator/enclave/host_link.h"
#include "aggregator/enclave/key_link.h"
#include "attest/attester.h"

namespace sealfold {

// Serves until `stop_fd` is readable; returns with every key and update wiped. `note` gets public
// facts, a line each: rounds, counts, codes of refusals to the host. `keys` null: no state is kept
// across restarts.
void Serve(HostLink& link, Attester& attester, const std::string& version, int stop_fd,
           absl::FunctionRef<void(absl::string_view line)> note, KeyLink* keys = nullptr);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_SERVE_H_
