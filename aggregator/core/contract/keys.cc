#include "aggregator/core/contract/keys.h"

#include <array>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

Bytes Number(uint64_t n) {
  Bytes out(8);
  StoreBigEndian64(absl::MakeSpan(out), n);
  return out;
}

}  // namespace

RoundKeys RoundKeys::Derive(const Secret& seed, const RoundTerms& terms) {
  SEALFOLD_CHECK(seed.size() == kRoundSeedSize);
  Bytes salt = ToBytes(AsBytes("sealfold round 1"));
  Append(salt, terms.plan.digest.span());
  Append(salt, Number(terms.round.value()));
  Append(salt, Number(terms.attempt.value()));
  const Secret prk = HkdfExtract(salt, {seed.span()});
  const auto expand = [&prk](absl::string_view label, size_t size_bytes) {
    return HkdfExpand(prk.span(), AsBytes(label), size_bytes);
  };
  return RoundKeys(expand("wrap", 32), HpkeKeyPair::Derive(expand("hpke", kHpkeSeedSize)),
                   SigningKey::FromSeed(expand("record", SigningKey::kSeedSize)),
                   expand("model", kModelKeySize),
                   expand("part", AeadKeySize(SuiteAead(terms.contract().suite))));
}

RoundKeys::RoundKeys(Secret wrap_prk, HpkeKeyPair hpke, SigningKey record, Secret model,
                     Secret part)
    : wrap_prk_(std::move(wrap_prk)),
      hpke_(std::move(hpke)),
      record_(std::move(record)),
      model_(std::move(model)),
      part_(std::move(part)) {}

Secret RoundKeys::WrapSeed(uint32_t participant) const {
  return HkdfExpand(wrap_prk_.span(), Number(participant), kHpkeSeedSize);
}

Binding RoundKeys::MakeBinding(const RoundTerms& terms) const {
  return {.suite = terms.contract().suite,
          .hpke_key = Sha256(hpke_.public_key().span()),
          .plan = terms.plan.digest,
          .round = terms.round,
          .attempt = terms.attempt,
          .record_key = record_.public_key(),
          .previous_record = terms.previous_record,
          .base_model = terms.base_model};
}

}  // namespace sealfold
