// The keys of one attempt at a round: all from one seed, all gone when it ends.
#ifndef SEALFOLD_AGGREGATOR_CORE_CONTRACT_KEYS_H_
#define SEALFOLD_AGGREGATOR_CORE_CONTRACT_KEYS_H_

#include "aggregator/core/contract/terms.h"
#include "protocol/base/secret.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/binding.h"

namespace sealfold {

inline constexpr size_t kRoundSeedSize = 32;

// Moves, does not copy; what it held is wiped when it goes.
class RoundKeys {
 public:
  // HKDF-SHA256 of `seed` with a label for each key and the plan, round and attempt. Requires:
  // `seed` has kRoundSeedSize bytes that the caller drew for this attempt alone.
  static RoundKeys Derive(const Secret& seed, const RoundTerms& terms);

  const HpkeKeyPair& hpke() const { return hpke_; }         // updates are sealed to it
  const SigningKey& record_key() const { return record_; }  // signs receipts and the record
  const Secret& model_key() const { return model_; }        // seals the new model (sealed delivery)
  Secret TakeModelKey() { return std::move(model_); }
  const Secret& part_key() const { return part_; }  // tags the base model's parts (PartTags)
  // The ephemeral seed with which model_key is sealed to the plan's participant number
  // `participant`.
  Secret WrapSeed(uint32_t participant) const;

  // What this attempt's evidence binds.
  Binding MakeBinding(const RoundTerms& terms) const;

 private:
  RoundKeys(Secret wrap_prk, HpkeKeyPair hpke, SigningKey record, Secret model, Secret part);
  Secret wrap_prk_;
  HpkeKeyPair hpke_;
  SigningKey record_;
  Secret model_;
  Secret part_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CONTRACT_KEYS_H_
