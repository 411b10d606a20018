// Connections to a coordinator that were answered once and then say nothing but heartbeats.
#ifndef SEALFOLD_TESTS_BENCH_KIT_IDLE_CONNECTIONS_H_
#define SEALFOLD_TESTS_BENCH_KIT_IDLE_CONNECTIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "participant-client/net/link.h"

namespace sealfold::bench {

// Each as a participant's program has it. They last as long as what is returned. Raises this
// process's limit of open files.
absl::StatusOr<std::vector<std::unique_ptr<Link>>> OpenIdleConnections(const std::string& endpoint,
                                                                       size_t count);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_IDLE_CONNECTIONS_H_
