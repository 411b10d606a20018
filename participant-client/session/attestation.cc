#include "participant-client/session/attestation.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "attest/offer_expectation.h"
#include "attest/release/rules.h"
#include "participant-client/policy/evidence_checks.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/identity.h"

namespace sealfold {
namespace {

// The evidence's checks whose failure says something about the aggregator itself rather than about
// the way the document took here.
constexpr std::array<absl::string_view, 3> kAggregatorsOwn = {"debug", "freshness", "registers"};

bool IsAuthentic(const Verdict& verdict) {
  return !verdict.checks.empty() &&
         std::all_of(verdict.checks.begin(), verdict.checks.end(), [](const Check& check) {
           return check.passed ||
                  std::count(kAggregatorsOwn.begin(), kAggregatorsOwn.end(), check.name) > 0;
         });
}

const char* SuiteName(Suite suite) { return CborEnumNames(suite)[static_cast<size_t>(suite)]; }

void CheckBinding(const SignedPlan& plan, const Offer& offer, CheckList& checks) {
  const Binding& binding = offer.binding;
  const Digest hpke_key = Sha256(offer.hpke_key.span());
  checks.Add({.name = "hpke_key",
              .expected = hpke_key.hex(),
              .found = binding.hpke_key.hex(),
              .passed = binding.hpke_key == hpke_key},
             "offer_hpke_key", "the key offered is not the one that the evidence binds");
  checks.Add({.name = "protocol",
              .expected = absl::StrCat(kProtocolVersion),
              .found = absl::StrCat(binding.protocol),
              .passed = binding.protocol == kProtocolVersion},
             "offer_protocol", "use programs of one release on both sides");
  checks.Add({.name = "suite",
              .expected = SuiteName(plan.plan.suite),
              .found = SuiteName(binding.suite),
              .passed = binding.suite == plan.plan.suite},
             "offer_suite", "the aggregator does not use the plan's algorithms");
  checks.Add({.name = "plan",
              .expected = plan.digest.hex(),
              .found = binding.plan.hex(),
              .passed = binding.plan == plan.digest},
             "offer_plan", "the aggregator works under another plan than the one agreed to");
}

// That the document, if it is for many sessions, is for this one. True if it is, or for this one
// alone.
bool CheckBatch(const Offer& offer, const SessionNonce& nonce, CheckList& checks) {
  if (!offer.batch.has_value()) return true;
  const absl::Status in_batch = CheckOfferedNonce(offer, nonce);
  checks.Add("nonce_path", absl::StrCat("this session's nonce among ", offer.batch->size),
             in_batch);
  return in_batch.ok();
}

// Who the aggregator says it is, which its evidence does not: the claim's own signature shows it. A
// host can leave it out, so it counts only where the policy asks for it. False if it was damaged.
bool CheckOfferedIdentity(const Policy& policy, const Offer& offer, CheckList& checks) {
  std::optional<SigningPublicKey> identity;
  if (offer.identity.has_value()) {
    const absl::StatusOr<SigningPublicKey> opened = OpenIdentity(*offer.identity, offer.binding);
    if (!opened.ok()) {
      checks.Add("identity", "a claim to the binding offered", opened.status());
      return false;
    }
    identity = *opened;
  }
  CheckIdentity(identity, policy, checks);
  return true;
}

}  // namespace

Message MakeHello(const OfferTerms& terms, const SessionNonce& nonce) {
  Hello hello{.plan = terms.plan.digest, .participant = terms.participant, .nonce = nonce};
  return {.head = cbor::EncodeFields(hello), .bulk = {}};
}

OfferJudgement JudgeOffer(const OfferTerms& terms, const Offer& offer, const SessionNonce& nonce,
                          uint64_t now_ms) {
  OfferJudgement out;
  out.checks.Add(CheckPlanAgainstPolicy(terms.plan, terms.policy, terms.participant));

  const EvidencePolicy& policy = terms.policy.evidence;
  const bool platform_matches = offer.platform == policy.platform;
  out.checks.Add({.name = "platform_offered",
                  .expected = policy.platform,
                  .found = offer.platform.substr(0, 64),
                  .passed = platform_matches},
                 "offer_platform", "the policy accepts evidence of one platform only");
  const bool in_batch = CheckBatch(offer, nonce, out.checks);
  const auto [verdict, accepted] =
      CheckEvidence(offer.evidence, policy, offer.release, ExpectationOf(offer, nonce, now_ms),
                    terms.chains, out.checks);

  const bool releases =
      std::any_of(accepted.reference_values.begin(), accepted.reference_values.end(),
                  [](const ReferenceValues& set) { return set.release_version > 0; });
  if (releases && verdict.passed()) {
    out.release_version = MatchedRelease(accepted, verdict.claims.registers);
    CheckReleaseVersion(terms.memory, out.release_version, out.checks);
  }
  CheckBinding(terms.plan, offer, out.checks);
  const bool claim_holds = CheckOfferedIdentity(terms.policy, offer, out.checks);
  out.authentic = platform_matches && in_batch && claim_holds && IsAuthentic(verdict);
  CheckAgainstMemory(terms.memory, terms.plan.plan, offer.binding, terms.policy.plan.attempts_max,
                     terms.update, out.checks);
  return out;
}

}  // namespace sealfold
