#include "aggregator/core/cascade/peer.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

absl::Status Same(absl::string_view what, const std::string& own, const std::string& peers) {
  if (own == peers) return absl::OkStatus();
  return Refused({.code = "peer_differs",
                  .what = absl::StrCat(what, " of the other aggregator"),
                  .expected = own,
                  .found = peers,
                  .advice = "aggregators of one cascade are started with the same plan, round, "
                            "attempt and previous record"});
}

}  // namespace

absl::Status CheckPeer(const RoundTerms& terms, const RoundKeys& keys, const VerifiedPeer& peer) {
  const Binding own = keys.MakeBinding(terms);
  const Binding& binding = peer.binding();
  const auto hex_or_none = [](const std::optional<Digest>& digest) {
    return digest.has_value() ? digest->hex() : "none";
  };
  SEALFOLD_RETURN_IF_ERROR(
      Same("protocol", absl::StrCat(own.protocol), absl::StrCat(binding.protocol)));
  SEALFOLD_RETURN_IF_ERROR(Same("suite", CborEnumNames(Suite{})[static_cast<size_t>(own.suite)],
                                CborEnumNames(Suite{})[static_cast<size_t>(binding.suite)]));
  SEALFOLD_RETURN_IF_ERROR(Same("plan", own.plan.hex(), binding.plan.hex()));
  SEALFOLD_RETURN_IF_ERROR(
      Same("round", absl::StrCat(own.round.value()), absl::StrCat(binding.round.value())));
  SEALFOLD_RETURN_IF_ERROR(
      Same("attempt", absl::StrCat(own.attempt.value()), absl::StrCat(binding.attempt.value())));
  SEALFOLD_RETURN_IF_ERROR(Same("previous record", hex_or_none(own.previous_record),
                                hex_or_none(binding.previous_record)));
  SEALFOLD_RETURN_IF_ERROR(Same("base model", own.base_model.hex(), binding.base_model.hex()));
  SEALFOLD_RETURN_IF_ERROR(
      Same("key in the evidence", Sha256(peer.hpke_key().span()).hex(), binding.hpke_key.hex()));
  if (own.record_key != binding.record_key && own.hpke_key != binding.hpke_key) {
    return absl::OkStatus();
  }
  return Refused({.code = "peer_is_self",
                  .what = "the other aggregator",
                  .expected = "one with keys of its own",
                  .found = "the keys of this one"});
}

}  // namespace sealfold
