// Small valid plans and keys for tests; a function of what is passed, so that tests repeat.
#ifndef SEALFOLD_PROTOCOL_TESTING_EXAMPLES_H_
#define SEALFOLD_PROTOCOL_TESTING_EXAMPLES_H_

#include "absl/strings/str_cat.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/plan/plan.h"

namespace sealfold::testing {

// A secret of 32 bytes, all `fill`.
inline Secret SeedOf(uint8_t fill) {
  Secret seed(32);
  for (uint8_t& b : seed.mutable_span()) b = fill;
  return seed;
}

inline SigningKey CoordinatorKey() { return SigningKey::FromSeed(SeedOf(0xc0)); }
inline SigningKey ParticipantKey(uint8_t i) {
  return SigningKey::FromSeed(SeedOf(static_cast<uint8_t>(1 + i)));
}
inline HpkeKeyPair ParticipantModelKey(uint8_t i) {
  return HpkeKeyPair::Derive(SeedOf(static_cast<uint8_t>(101 + i)));
}

// Two tensors (F32 of `rows` x 9, F16 of 7), `participants` parties (at most 100), chunks of 4 KiB:
// nine chunks with the default rows.
inline Plan ExamplePlan(uint8_t participants = 3, uint64_t rows = 1000) {
  Plan plan;
  plan.name = "example";
  plan.rounds = 3;
  plan.tensors = {{.name = "layer.weight", .dtype = Dtype::kF32, .shape = {rows, 9}},
                  {.name = "layer.bias", .dtype = Dtype::kF16, .shape = {7}}};
  for (uint8_t i = 0; i < participants; ++i) {
    plan.participants.push_back({.name = absl::StrCat("hospital-", i),
                                 .key = ParticipantKey(i).public_key(),
                                 .model_key = ParticipantModelKey(i).public_key()});
  }
  plan.quorum = participants < 3 ? participants : 3;
  plan.range = 4.0;
  plan.weight_max = Weight(1000);
  plan.chunk_bytes = 4096;
  plan.staging_bytes_max = 3 * SealedUpdateBytes(plan);
  return plan;
}

}  // namespace sealfold::testing

#endif  // SEALFOLD_PROTOCOL_TESTING_EXAMPLES_H_
