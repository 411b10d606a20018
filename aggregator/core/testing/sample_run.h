// For tests: a run with its parties' keys, updates, and the model that must come out, computed
// another way.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_RUN_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/message/message.h"
#include "protocol/plan/plan.h"

namespace sealfold::testing {

// 32 bytes that depend on the text and number only.
Secret SeedOf(absl::string_view text, uint64_t number = 0);

struct Party {
  SigningKey key;
  HpkeKeyPair model_key;
};

// What an update says before it is sealed.
struct SampleUpdate {
  Weight weight;
  Bytes payload;
};

// Three participants, quorum 2, tensors of every dtype and of awkward sizes, five chunks of 4 KiB.
struct SampleRun {
  SigningKey coordinator;
  std::vector<Party> parties;
  Plan plan;
  SignedPlan signed_plan;  // of `plan`, by Sign()
  Bytes base_model;        // the initial model's file

  static SampleRun Make(size_t parties = 3);
  // After a change of `plan`.
  void Sign();
  PayloadLayout layout() const { return plan.payload_layout(); }
  StartRound FirstStart(uint64_t attempt = 1) const;

  // Elements within the plan's range, from `seed`; a weight from 1 to weight_max.
  SampleUpdate MakeUpdate(uint64_t seed) const;
  // The sum of these updates, and the model file that the round must publish, by 128-bit integers
  // and one rounding per operation.
  std::vector<int64_t> ExpectedSum(const std::vector<SampleUpdate>& updates) const;
  Bytes ExpectedModel(ByteSpan base_model, const std::vector<SampleUpdate>& updates) const;
};

// Overwrites element `element` of the payload's part `part`.
void SetElement(const PayloadLayout& layout, size_t part, uint64_t element, double value,
                Bytes& payload);

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_RUN_H_
