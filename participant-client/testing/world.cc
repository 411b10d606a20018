#include "participant-client/testing/world.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/nitro/nsm_message.h"
#include "attest/software/software_verifier.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/log/merkle.h"
#include "protocol/program/program.h"

namespace sealfold::testing_world {

Secret SeedOf(uint64_t seed, absl::string_view label) {
  const Digest digest = Sha256(AsBytes(absl::StrCat(label, " ", seed)));
  return Secret::CopyOf(digest.span());
}

World::World(uint64_t seed, uint64_t time_ms)
    : now_ms(time_ms),
      coordinator(SigningKey::FromSeed(SeedOf(seed, "coordinator"))),
      identity(SigningKey::FromSeed(SeedOf(seed, "identity"))) {
  Plan agreed;
  agreed.name = "a run in miniature";
  agreed.rounds = 3;
  // Sizes that are no multiples of 64, so that the payload has padding; three chunks and a bit.
  agreed.tensors = {{.name = "a", .dtype = Dtype::kF32, .shape = {1001}},
                    {.name = "b", .dtype = Dtype::kBf16, .shape = {3, 999}},
                    {.name = "c", .dtype = Dtype::kF16, .shape = {}}};
  agreed.initial_model = Sha256(AsBytes("the initial model"));
  agreed.range = 4;
  agreed.weight_max = Weight(1000);
  agreed.chunk_bytes = 4096;
  agreed.staging_bytes_max = 1 << 20;
  for (const char* name : {"north", "south", "west"}) {
    keys.push_back(SigningKey::FromSeed(SeedOf(seed, absl::StrCat(name, " signing"))));
    model_keys.push_back(HpkeKeyPair::Derive(SeedOf(seed, absl::StrCat(name, " model"))));
    agreed.participants.push_back({.name = name,
                                   .key = keys.back().public_key(),
                                   .model_key = model_keys.back().public_key()});
  }
  plan = SignPlan(agreed, coordinator);

  measurement = Sha384(AsBytes("the accepted program"));
  auto authority = Authority::Open(folder.Path("nsm"), now_ms);
  SEALFOLD_CHECK(authority.ok());
  platform = std::make_unique<Softnsm>(*std::move(authority), "test");
  auto root = ReadFile(folder.Path("nsm/root.pem"), 1 << 16);
  SEALFOLD_CHECK(root.ok());
  policy.coordinators = {coordinator.public_key()};
  policy.evidence.platform = std::string(kSoftwarePlatform);
  policy.evidence.root_pem = *root;
  policy.evidence.reference_values = {
      {.name = "this build", .registers = {{0, ToBytes(measurement.span())}}}};
}

void World::ChangePlan(const std::function<void(Plan&)>& change) {
  Plan changed = plan.plan;
  change(changed);
  plan = SignPlan(changed, coordinator);
}

Bytes World::Evidence(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key,
                      const Measurement& measured, uint64_t at_ms) {
  NsmAttestationRequest request;
  request.nonce = ToBytes(nonce);
  request.user_data = ToBytes(user_data);
  if (!public_key.empty()) request.public_key = ToBytes(public_key);
  const Bytes answer = platform->Answer(
      EncodeNsmRequest(request), [&]() -> absl::StatusOr<Measurement> { return measured; }, at_ms);
  auto response = ParseNsmResponse(answer);
  SEALFOLD_CHECK(response.ok());
  const auto* attestation = std::get_if<NsmAttestationResponse>(&*response);
  SEALFOLD_CHECK(attestation != nullptr);
  return attestation->document;
}

std::string World::PolicyJson() const {
  nlohmann::json out = {
      {"format", "sealfold-policy-1"},
      {"coordinators", {coordinator.public_key().hex()}},
      {"evidence",
       {{"platform", policy.evidence.platform},
        {"root", "root.pem"},
        {"reference_values", {{{"name", "this build"}, {"pcr0", measurement.hex()}}}}}}};
  return out.dump();
}

PublishedRound Publish(World& world, const Binding& binding, const SigningKey& record_key,
                       const std::vector<LogEntry>& log, const Digest& model,
                       const Secret* model_key) {
  MerkleLog tree;
  for (const LogEntry& entry : log) tree.Append(LogLeaf(entry));
  RoundRecord record{.plan = binding.plan,
                     .round = binding.round,
                     .attempt = binding.attempt,
                     .previous_record = binding.previous_record,
                     .base_model = binding.base_model,
                     .model = model,
                     .log_root = tree.Root(),
                     .updates = log.size(),
                     .weight_sum = log.size() * 10,
                     .error_max = 1e-9,
                     .model_key_commitment = {}};
  if (world.identity.has_value()) record.identity = SignIdentity(*world.identity, binding);
  PublishedRound out;
  if (model_key != nullptr) {
    record.model_key_commitment = ModelKeyCommitment(model_key->span());
    for (const PlanParticipant& participant : world.plan.plan.participants) {
      out.file.model_keys.push_back(*WrapModelKey(world.plan, binding.round, participant,
                                                  model_key->span(), SeedOf(9, participant.name)));
    }
  }
  out.file.plan = world.plan.bytes;
  out.file.record = SignRecord(record, record_key);
  out.file.binding = binding;
  out.file.platform = world.policy.evidence.platform;
  out.file.evidence = world.Evidence(Sha256(out.file.record).span(), binding.digest().span(), {},
                                     world.measurement);
  out.file.log = log;
  out.bytes = EncodeRecordFile(out.file);
  auto checked = CheckRecordFile(out.file);
  SEALFOLD_CHECK(checked.ok());
  out.checked = *std::move(checked);
  return out;
}

}  // namespace sealfold::testing_world
