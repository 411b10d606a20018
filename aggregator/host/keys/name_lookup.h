// Where a service of some name is, found out on a thread of its own: a resolver that nobody answers
// takes half a minute, and the loop that asks has others to serve.
#ifndef SEALFOLD_AGGREGATOR_HOST_KEYS_NAME_LOOKUP_H_
#define SEALFOLD_AGGREGATOR_HOST_KEYS_NAME_LOOKUP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "protocol/program/host_port.h"

namespace sealfold {

using SocketAddress = std::vector<uint8_t>;  // a sockaddr's bytes
// In the order to be tried; none if the name has no address.
using Resolver = std::function<std::vector<SocketAddress>(const HostPort& at)>;

// The system's. Waits for it.
std::vector<SocketAddress> ResolveName(const HostPort& at);

// Used by one thread. One that goes before its thread has an answer does not wait for it: the
// thread ends by itself, so `resolver` must own what it uses.
class NameLookup {
 public:
  // Begins; nullopt where the system has no thread or file for it.
  static std::optional<NameLookup> Start(HostPort at, Resolver resolver);

  int fd() const;  // readable: Take() has the answer
  std::optional<std::vector<SocketAddress>> Take();

 private:
  struct Shared;
  explicit NameLookup(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<Shared> shared_;  // with the thread
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_KEYS_NAME_LOOKUP_H_
