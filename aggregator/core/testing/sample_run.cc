#include "aggregator/core/testing/sample_run.h"

#include <cmath>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sample_payload.h"
#include "protocol/crypto/hash.h"
#include "protocol/model/element.h"

namespace sealfold::testing {
namespace {

Bytes MakeModel(const Plan& plan) {
  Bytes file = ModelFileHeader(plan.tensors);
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> value(-2, 2);
  for (const TensorSpec& tensor : plan.tensors) {
    for (uint64_t i = 0; i < tensor.elements(); ++i) {
      file.resize(file.size() + DtypeSizeBytes(tensor.dtype));
      WriteElement(tensor.dtype, value(random), &*file.end() - DtypeSizeBytes(tensor.dtype));
    }
  }
  return file;
}

// 2^e >= range * weight_max, the smallest; a step is 2^(e - 47).
double Step(const Plan& plan) {
  int e = -200;
  while (std::ldexp(1.0, e) < plan.range * static_cast<double>(plan.weight_max.value())) ++e;
  return std::ldexp(1.0, e - 47);
}

// Steps of the grid, to nearest and ties to even, without the library's rounding.
__int128 Steps(double term, double step) {
  const double steps = term / step;  // exact: step is a power of two
  double low = std::floor(steps);
  const double rest = steps - low;
  const auto whole = static_cast<__int128>(low);
  if (rest > 0.5 || (rest == 0.5 && whole % 2 != 0)) return whole + 1;
  return whole;
}

}  // namespace

Secret SeedOf(absl::string_view text, uint64_t number) {
  return Secret::CopyOf(Sha256(AsBytes(absl::StrCat(text, " ", number))).span());
}

SampleRun SampleRun::Make(size_t parties) {
  SampleRun run{.coordinator = SigningKey::FromSeed(SeedOf("coordinator")),
                .parties = {},
                .plan = {},
                .signed_plan = {},
                .base_model = {}};
  Plan& plan = run.plan;
  plan.name = "sample";
  plan.rounds = 3;
  plan.tensors = {{.name = "a", .dtype = Dtype::kF32, .shape = {61, 43}},
                  {.name = "b", .dtype = Dtype::kBf16, .shape = {1501}},
                  {.name = "c", .dtype = Dtype::kF32, .shape = {}},
                  {.name = "d", .dtype = Dtype::kF16, .shape = {3, 7, 95}}};
  for (size_t i = 0; i < parties; ++i) {
    run.parties.push_back({.key = SigningKey::FromSeed(SeedOf("party", i)),
                           .model_key = HpkeKeyPair::Derive(SeedOf("model key", i))});
    plan.participants.push_back({.name = absl::StrCat("party ", i),
                                 .key = run.parties.back().key.public_key(),
                                 .model_key = run.parties.back().model_key.public_key()});
  }
  plan.quorum = 2;
  plan.learning_rate = 0.75;
  plan.range = 0.5;
  plan.weight_max = Weight(1000);
  plan.deadline_seconds = 600;
  plan.chunk_bytes = 4096;
  plan.staging_bytes_max = 4 * SealedUpdateBytes(plan);
  run.base_model = MakeModel(plan);
  run.Sign();
  return run;
}

void SampleRun::Sign() {
  plan.initial_model = Sha256(base_model);
  signed_plan = SignPlan(plan, coordinator);
}

StartRound SampleRun::FirstStart(uint64_t attempt) const {
  return {
      .plan = signed_plan.bytes, .round = Round(1), .attempt = Attempt(attempt), .previous = {}};
}

SampleUpdate SampleRun::MakeUpdate(uint64_t seed) const {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> value(-plan.range, plan.range);
  const PayloadLayout lay = layout();
  SampleUpdate update{.weight = Weight(1 + random() % plan.weight_max.value()),
                      .payload = Bytes(lay.size_bytes)};
  if (lay.encoding.has_value()) {
    update.payload = RandomEncodedPayload(lay, plan.range, random);
    return update;
  }
  for (size_t part = 0; part < lay.parts.size(); ++part) {
    for (uint64_t i = 0; i < lay.parts[part].elements; ++i) {
      SetElement(lay, part, i, value(random), update.payload);
    }
  }
  return update;
}

std::vector<int64_t> SampleRun::ExpectedSum(const std::vector<SampleUpdate>& updates) const {
  const double step = Step(plan);
  const PayloadLayout lay = layout();
  std::vector<std::vector<double>> elements;
  for (const SampleUpdate& u : updates) elements.push_back(DecodePayload(lay, u.payload));
  std::vector<int64_t> out(lay.sum_elements);
  for (const PayloadLayout::Part& part : lay.parts) {
    for (uint64_t i = 0; i < part.elements; ++i) {
      __int128 sum = 0;
      for (size_t k = 0; k < updates.size(); ++k) {
        const auto weight = static_cast<double>(updates[k].weight.value());
        sum += Steps(elements[k][part.element_first + i] * weight, step);
      }
      out[part.element_first + i] = static_cast<int64_t>(sum);
    }
  }
  return out;
}

Bytes SampleRun::ExpectedModel(ByteSpan base, const std::vector<SampleUpdate>& updates) const {
  const std::vector<int64_t> sum = ExpectedSum(updates);
  double weight_sum = 0;
  for (const SampleUpdate& u : updates) weight_sum += static_cast<double>(u.weight.value());
  Bytes out = ToBytes(base);
  size_t at = ModelFileHeader(plan.tensors).size();
  for (const PayloadLayout::Part& part : layout().parts) {
    const size_t size = DtypeSizeBytes(part.dtype);
    for (uint64_t i = 0; i < part.elements; ++i, at += size) {
      const auto steps = static_cast<double>(sum[part.element_first + i]);
      const volatile double mean = steps * Step(plan) / weight_sum;
      const volatile double change = plan.learning_rate * mean;  // volatile: rounded, never fused
      WriteElement(part.dtype, ReadElement(part.dtype, &out[at]) + change, &out[at]);
    }
  }
  return out;
}

void SetElement(const PayloadLayout& layout, size_t part, uint64_t element, double value,
                Bytes& payload) {
  const PayloadLayout::Part& p = layout.parts.at(part);
  WriteElement(p.dtype, value, &payload.at(p.offset_bytes + element * DtypeSizeBytes(p.dtype)));
}

}  // namespace sealfold::testing
