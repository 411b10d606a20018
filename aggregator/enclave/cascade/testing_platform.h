// For the tests of cascades: one software platform that attests to all of its aggregators, as
// sealfold-softnsm would, without its socket.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_TESTING_PLATFORM_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_TESTING_PLATFORM_H_

#include <string>
#include <utility>

#include "aggregator/core/cascade/testing_cascade.h"
#include "attest/nitro/nsm_message.h"
#include "attest/offer_expectation.h"
#include "attest/software/server/softnsm.h"
#include "attest/software/software_verifier.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::testing_cascade {

inline constexpr uint64_t kNowMs = 1'790'000'000'000;  // the time in these tests

inline Measurement MeasurementOf(absl::string_view program) { return Sha384(AsBytes(program)); }

inline SessionNonce NonceOf(uint64_t number) {
  return *SessionNonce::From(SeedOf("nonce", number).span());
}

class Platform {
 public:
  // That accepts `program`, and another one of its own.
  EvidencePolicy PolicyFor(absl::string_view program) const {
    const auto set = [](absl::string_view name) {
      return ReferenceValues{.name = std::string(name),
                             .registers = {{0, ToBytes(MeasurementOf(name).span())}}};
    };
    return {.platform = std::string(kSoftwarePlatform),
            .root_pem = *ReadFile(folder_.Path("nsm/root.pem"), 1 << 16),
            .reference_values = {set("an older build"), set(program)}};
  }

  // What `member`, which measures `program`, answers a hello with.
  Offer MakeOffer(const Member& member, const SessionNonce& nonce, absl::string_view program,
                  uint64_t at_ms = kNowMs) {
    Offer offer = member.MakeOffer();
    offer.platform = std::string(kSoftwarePlatform);
    Attest(offer, nonce, program, at_ms);
    return offer;
  }

  // Evidence for `offer` as it now stands.
  void Attest(Offer& offer, const SessionNonce& nonce, absl::string_view program,
              uint64_t at_ms = kNowMs) {
    const EvidenceExpectation wanted = ExpectationOf(offer, nonce, at_ms);
    const Bytes answer = nsm_.Answer(
        EncodeNsmRequest(NsmAttestationRequest{
            .user_data = wanted.user_data, .nonce = wanted.nonce, .public_key = wanted.public_key}),
        [&]() -> absl::StatusOr<Measurement> { return MeasurementOf(program); }, at_ms);
    offer.evidence = std::get<NsmAttestationResponse>(*ParseNsmResponse(answer)).document;
  }

 private:
  TempDir folder_;
  Softnsm nsm_{*Authority::Open(folder_.Path("nsm"), kNowMs), "test"};
};

}  // namespace sealfold::testing_cascade

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_CASCADE_TESTING_PLATFORM_H_
