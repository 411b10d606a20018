#include "protocol/plan/plan.h"

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"
#include "protocol/text/party_name.h"

namespace sealfold {
namespace {

constexpr char kSignContext[] = "sealfold plan 1";
constexpr cbor::Limits kPlanLimits = {
    .size_bytes_max = 32u << 20, .items_max = 1u << 20, .depth_max = 5};

constexpr uint64_t kRoundsMax = 100'000;
constexpr uint64_t kParticipantsMax = 65'535;       // fewer than 2^16: the fold cannot overflow
constexpr uint64_t kWeightMax = uint64_t{1} << 29;  // weight times a float32 stays exact in double
constexpr uint64_t kDeadlineSecondsMax = 30 * 24 * 3600;
constexpr uint64_t kAttemptsMax = 1000;
constexpr uint64_t kChunkBytesMin = 4096;
constexpr uint64_t kChunkBytesMax = 1 << 20;

absl::Status Bound(absl::string_view field, absl::string_view expected, absl::string_view found,
                   absl::string_view advice = "") {
  return BadInput({.code = absl::StrCat("plan_", field),
                   .what = absl::StrCat("plan: ", field),
                   .expected = std::string(expected),
                   .found = std::string(found),
                   .advice = std::string(advice)});
}

absl::Status Within(absl::string_view field, uint64_t value, uint64_t low, uint64_t high) {
  if (low <= value && value <= high) return absl::OkStatus();
  return Bound(field, absl::StrCat(low, " to ", high), absl::StrCat(value));
}

absl::Status CheckName(absl::string_view field, absl::string_view name) {
  if (IsPartyName(name)) return absl::OkStatus();
  return Bound(field, "1 to 256 bytes without control characters",
               absl::StrCat(name.size(), " bytes"));
}

absl::Status CheckParticipants(const Plan& plan) {
  SEALFOLD_RETURN_IF_ERROR(Within("participants", plan.participants.size(), 1, kParticipantsMax));
  std::set<SigningPublicKey> keys;
  std::set<std::string> names;
  for (const PlanParticipant& p : plan.participants) {
    SEALFOLD_RETURN_IF_ERROR(CheckName("participants", p.name));
    if (!keys.insert(p.key).second) return Bound("participants", "each key once", p.key.hex());
    if (!names.insert(p.name).second) return Bound("participants", "each name once", p.name);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const char* const> CborEnumNames(Suite) {
  static constexpr const char* kNames[] = {"x25519-hkdf-sha256-aes-256-gcm",
                                           "x25519-hkdf-sha256-chacha20-poly1305"};
  return kNames;
}

AeadId SuiteAead(Suite suite) {
  return suite == Suite::kX25519Aes256Gcm ? AeadId::kAes256Gcm : AeadId::kChaCha20Poly1305;
}

absl::Span<const char* const> CborEnumNames(Strategy) {
  static constexpr const char* kNames[] = {"fedavg"};
  return kNames;
}

absl::Span<const char* const> CborEnumNames(Delivery) {
  static constexpr const char* kNames[] = {"public", "sealed"};
  return kNames;
}

PayloadLayout Plan::payload_layout() const {
  return PayloadLayout::Of(tensors, update_encoding, chunk_bytes);
}

std::optional<uint32_t> Plan::IndexOf(const SigningPublicKey& key) const {
  for (size_t i = 0; i < participants.size(); ++i) {
    if (participants[i].key == key) return static_cast<uint32_t>(i);
  }
  return std::nullopt;
}

uint64_t SealedUpdateBytes(const Plan& plan) {
  const uint64_t payload_bytes = plan.payload_layout().size_bytes;
  const uint64_t chunks = (payload_bytes - 1) / plan.chunk_bytes + 1;
  return payload_bytes + chunks * kAeadTagSize;
}

absl::Status CheckPlan(const Plan& plan) {
  SEALFOLD_RETURN_IF_ERROR(CheckName("name", plan.name));
  SEALFOLD_RETURN_IF_ERROR(Within("rounds", plan.rounds, 1, kRoundsMax));
  SEALFOLD_RETURN_IF_ERROR(CheckTensors(plan.tensors));
  SEALFOLD_RETURN_IF_ERROR(CheckParticipants(plan));
  SEALFOLD_RETURN_IF_ERROR(Within("quorum", plan.quorum, 1, plan.participants.size()));
  SEALFOLD_RETURN_IF_ERROR(Within("weight_max", plan.weight_max.value(), 1, kWeightMax));
  SEALFOLD_RETURN_IF_ERROR(Within("attempts_max", plan.attempts_max, 1, kAttemptsMax));
  SEALFOLD_RETURN_IF_ERROR(
      Within("deadline_seconds", plan.deadline_seconds, 1, kDeadlineSecondsMax));
  SEALFOLD_RETURN_IF_ERROR(Within("chunk_bytes", plan.chunk_bytes, kChunkBytesMin, kChunkBytesMax));
  if (plan.chunk_bytes % 64 != 0) {
    return Bound("chunk_bytes", "a multiple of 64", absl::StrCat(plan.chunk_bytes));
  }
  // The range is kept where no step of the grid leaves double's normal numbers.
  if (!std::isfinite(plan.range) || plan.range < 1e-30 || plan.range > 1e30) {
    return Bound("range", "a number from 1e-30 to 1e30", absl::StrCat(plan.range));
  }
  if (!std::isfinite(plan.learning_rate) || plan.learning_rate <= 0 || plan.learning_rate > 1000) {
    return Bound("learning_rate", "a number above 0, at most 1000",
                 absl::StrCat(plan.learning_rate));
  }
  if (plan.update_encoding.has_value()) {
    SEALFOLD_RETURN_IF_ERROR(CheckUpdateEncoding(*plan.update_encoding, plan.chunk_bytes));
  }
  if (const uint64_t least = SealedUpdateBytes(plan); plan.staging_bytes_max < least) {
    return Bound("staging_bytes_max", absl::StrCat("at least one sealed update, ", least, " bytes"),
                 absl::StrCat(plan.staging_bytes_max));
  }
  return absl::OkStatus();
}

SignedPlan SignPlan(const Plan& plan, const SigningKey& coordinator) {
  SEALFOLD_CHECK(CheckPlan(plan).ok());
  SignedPlan out{.plan = plan,
                 .coordinator = coordinator.public_key(),
                 .bytes = SignSign1(coordinator, kSignContext, cbor::EncodeFields(plan)),
                 .digest = {}};
  out.digest = Sha256(out.bytes);
  return out;
}

absl::StatusOr<SignedPlan> OpenPlan(ByteSpan bytes) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(bytes, kSignContext));
  SEALFOLD_ASSIGN_OR_RETURN(Plan plan, cbor::DecodeFields<Plan>(opened.payload, kPlanLimits));
  SEALFOLD_RETURN_IF_ERROR(CheckPlan(plan));
  return SignedPlan{.plan = std::move(plan),
                    .coordinator = opened.signer,
                    .bytes = ToBytes(bytes),
                    .digest = Sha256(bytes)};
}

}  // namespace sealfold
