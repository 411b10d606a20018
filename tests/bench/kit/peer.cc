#include "tests/bench/kit/peer.h"

#include <nlohmann/json.hpp>

#include "protocol/base/error.h"
#include "protocol/program/child_process.h"

namespace sealfold::bench {
namespace {

// Debian's own: it is the one that finds Debian's packages.
constexpr char kPython[] = "/usr/bin/python3";

}  // namespace

absl::StatusOr<PeerSeconds> RunPeer(const std::string& script, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {kPython, SEALFOLD_PEERS "/" + script});
  SEALFOLD_ASSIGN_OR_RETURN(const ProgramResult result, RunToEnd(arguments));
  const auto line = nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  if (result.exit_code != 0 || !line.is_object() || !line.contains("seconds")) {
    return PeerError({.code = "peer_failed",
                      .what = "tests/bench/peers/" + script,
                      .expected = "a JSON object with \"seconds\"",
                      .found = result.err,
                      .advice = "./run packages installs what it needs"});
  }
  PeerSeconds out;
  for (const auto& [name, value] : line.items()) {
    if (name == "seconds") {
      out.seconds.values = value.get<std::vector<double>>();
    } else {
      out.library = name + " " + value.get<std::string>();
    }
  }
  return out;
}

}  // namespace sealfold::bench
