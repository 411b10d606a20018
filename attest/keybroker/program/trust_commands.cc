#include "attest/keybroker/program/trust_commands.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

using nlohmann::json;

void TellTrust(const KeyStore& store, const Output& output) {
  for (const TrustRecord& each : store.trust()) {
    const RevocationLists none;
    const RevocationLists& revocation = each.revocation == nullptr ? none : *each.revocation;
    const char* demand = CborEnumNames(revocation.demand)[static_cast<size_t>(revocation.demand)];
    json lists = json::array();
    output.Line(absl::StrCat(
        "takes evidence of ", each.platform, "; revocation lists: ", revocation.lists.size(),
        ", demanded: ", demand, revocation.accept_expired ? ", expired ones too" : ""));
    for (const RevocationList& list : revocation.lists) {
      output.Line(absl::StrCat("  list of ", list.Issuer()));
      lists.push_back(list.Issuer());
    }
    output.Json(JsonText(json({{"platform", each.platform},
                               {"revocation_lists", lists},
                               {"accept_expired", revocation.accept_expired},
                               {"demand", demand}})));
  }
}

}  // namespace

absl::Status SetRevocationCommand(const BrokerFolder& folder, const RevocationOptions& options,
                                  const Output& output) {
  const std::optional<ListDemand> demand = ListDemandNamed(options.demand);
  if (!demand.has_value()) {
    return BadInput({.code = "usage_wrong",
                     .what = "--demand",
                     .expected = absl::StrJoin(CborEnumNames(ListDemand()), ", "),
                     .found = options.demand});
  }
  RevocationLists revocation{.accept_expired = options.accept_expired, .demand = *demand};
  for (const std::string& path : options.list_paths) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kRevocationListBytesMax));
    absl::StatusOr<RevocationList> list = RevocationList::Parse(AsBytes(bytes));
    if (!list.ok()) return About(path, list.status());
    revocation.lists.push_back(*std::move(list));
  }
  const bool none = revocation.lists.empty() && *demand == ListDemand::kNone;
  const auto set = [&](KeyStore& store) {
    return store.SetRevocation(
        options.platform,
        none ? nullptr : std::make_shared<const RevocationLists>(std::move(revocation)));
  };
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, ChangeStore(folder, set));
  TellTrust(store, output);
  return absl::OkStatus();
}

absl::Status ListTrustCommand(const BrokerFolder& folder, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, OpenStore(folder));
  TellTrust(store, output);
  return absl::OkStatus();
}

}  // namespace sealfold
