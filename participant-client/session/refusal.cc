#include "participant-client/session/refusal.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "protocol/base/error.h"

namespace sealfold {

RefusalMeans MeaningOf(absl::string_view code) {
  using enum RefusalMeans;
  static const auto* const kMeanings = new absl::flat_hash_map<absl::string_view, RefusalMeans>{
      // About what was signed or sealed, so not about damage on the way.
      {"payload_bytes_wrong", kFinal},
      {"weight_out_of_bounds", kFinal},
      {"weight_changed", kFinal},
      {"model_key_wrong", kFinal},
      {"model_key_missing", kFinal},
      {"out_of_range", kFinal},
      {"padding_not_zero", kFinal},
      {"block_scale_wrong", kFinal},
      {"block_element_wrong", kFinal},
      {"block_place_wrong", kFinal},
      {"block_places_unordered", kFinal},
      {"round_closed", kFinal},
      {"unknown_participant", kFinalIfRepeated},
      {"wrong_plan", kFinalIfRepeated},
      {"wrong_round", kAttestAgain},
      {"wrong_attempt", kAttestAgain},
      {"wrong_recipient_key", kAttestAgain},
      {"no_round", kAttestAgain},
      {"aggregator_absent", kAttestAgain},
      {"header_replayed", kAskWhere},
      {"start_wrong", kAskWhere},
      {"no_upload", kAskWhere},
      {"header_needed", kAskWhere},
      {"headers_too_many", kAskWhere},
      {"memory_short", kAskWhere},
      {"busy", kAskWhere},
      {"seal_broken", kAskWhere},
      {"head_length", kAskWhere},
      {"signature_wrong", kAskWhere},
      {"envelope_signer", kAskWhere},
  };
  auto found = kMeanings->find(code);
  if (found != kMeanings->end()) return found->second;
  for (absl::string_view damaged : {"chunk_", "cbor_", "cose_", "field_", "message_"}) {
    if (absl::StartsWith(code, damaged)) return kAskWhere;
  }
  return kUnknown;
}

absl::Status PeerRefusal(const RefusedMessage& refused) {
  return PeerError({.code = refused.code,
                    .what = refused.what,
                    .expected = refused.expected,
                    .found = refused.found,
                    .advice = refused.advice});
}

}  // namespace sealfold
