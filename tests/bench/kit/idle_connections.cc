#include "tests/bench/kit/idle_connections.h"

#include <utility>

#include "participant-client/net/zmq_link.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "tests/bench/kit/open_files.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kAnswerMs = 60'000;

}  // namespace

absl::StatusOr<std::vector<std::unique_ptr<Link>>> OpenIdleConnections(const std::string& endpoint,
                                                                       size_t count) {
  RaiseOpenFiles();
  std::vector<std::unique_ptr<Link>> links;
  for (size_t i = 0; i < count; ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, ConnectZmq(endpoint));
    SEALFOLD_RETURN_IF_ERROR(
        link->Send({.head = cbor::EncodeFields(GetRequest{.what = FileKind::kPlan}), .bulk = {}}));
    links.push_back(std::move(link));
  }
  for (const std::unique_ptr<Link>& link : links) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::optional<Message> answer, link->Receive(kAnswerMs));
    if (!answer.has_value()) {
      return PeerError({.code = "idle_connection_failed",
                        .what = "a connection that is to be idle",
                        .expected = "the plan, within a minute",
                        .found = "nothing"});
    }
  }
  return links;
}

}  // namespace sealfold::bench
