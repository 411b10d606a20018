#include "absl/strings/str_cat.h"
#include "participant-client/program/describe.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

template <typename E>
std::string NameOf(E value) {
  return CborEnumNames(value)[static_cast<size_t>(value)];
}

ordered_json TensorsJson(absl::Span<const TensorSpec> tensors) {
  ordered_json out = ordered_json::array();
  for (const TensorSpec& spec : tensors) {
    out.push_back({{"name", spec.name}, {"dtype", DtypeName(spec.dtype)}, {"shape", spec.shape}});
  }
  return out;
}

ordered_json EncodingJson(const std::optional<UpdateEncoding>& encoding) {
  if (!encoding.has_value()) return "dense";
  ordered_json out = {{"kind", NameOf(encoding->kind)},
                      {"block_elements", encoding->block_elements}};
  if (encoding->kept.has_value()) out["kept"] = *encoding->kept;
  return out;
}

template <typename E>
ordered_json NamesJson(const std::vector<E>& values) {
  ordered_json out = ordered_json::array();
  for (E value : values) out.push_back(NameOf(value));
  return out;
}

}  // namespace

Description DescribePlan(const SignedPlan& signed_plan) {
  const Plan& plan = signed_plan.plan;
  ordered_json participants = ordered_json::array();
  for (const PlanParticipant& p : plan.participants) {
    participants.push_back(
        {{"name", p.name}, {"key", p.key.hex()}, {"model_key", p.model_key.hex()}});
  }
  return {
      "plan",
      "A plan, signed; whether its coordinator is to be trusted is your policy's word",
      {{"digest", signed_plan.digest.hex(), "names the run everywhere"},
       {"coordinator", signed_plan.coordinator.hex(), "whose signature it bears"},
       {"name", plan.name, "for people"},
       {"rounds", plan.rounds, "the run's length"},
       {"participants", participants, "who may send updates, and where sealed models go"},
       {"quorum", plan.quorum, "fewest updates that a model is published from"},
       {"strategy", NameOf(plan.strategy), "how updates are combined"},
       {"learning_rate", plan.learning_rate, "the server's: model += rate * mean of updates"},
       {"range", plan.range, "every element of an update is within +- this"},
       {"weight_max", plan.weight_max.value(), "most examples that one update may claim"},
       {"attempts_max", plan.attempts_max, "how often one round may be started"},
       {"deadline_seconds", plan.deadline_seconds, "of one attempt"},
       {"early_close", plan.early_close,
        "whether the coordinator may end a round once there is quorum"},
       {"suite", NameOf(plan.suite), "how updates are sealed (RFC 9180)"},
       {"chunk_bytes", plan.chunk_bytes, "plaintext of one sealed chunk"},
       {"staging_bytes_max", plan.staging_bytes_max,
        "what the aggregator may hold before it folds"},
       {"delivery", NameOf(plan.delivery),
        "whether anyone or only participants can read the model"},
       {"update_encoding", EncodingJson(plan.update_encoding), "how updates are compressed"},
       {"initial_model", plan.initial_model.hex(), "SHA-256 of the model that round 1 starts from"},
       {"tensors", TensorsJson(plan.tensors), "what a model and an update consist of"}}};
}

Description DescribeSafetensors(const SafetensorsHeader& header, uint64_t size_bytes) {
  std::vector<TensorSpec> tensors;
  for (const SafetensorsHeader::Entry& entry : header.entries) tensors.push_back(entry.spec);
  const bool update = header.metadata.count("num_examples") > 0;
  return {"safetensors",
          update ? "A safetensors file with num_examples: an update"
                 : "A safetensors file: a model or an update",
          {{"size_bytes", size_bytes, "of the whole file"},
           {"metadata", ordered_json(header.metadata),
            "what the writer noted; num_examples is an update's weight"},
           {"tensors", TensorsJson(tensors), "in the order of their data"}}};
}

Description DescribePolicy(const Policy& policy) {
  ordered_json coordinators = ordered_json::array();
  for (const SigningPublicKey& key : policy.coordinators) coordinators.push_back(key.hex());
  ordered_json references = ordered_json::array();
  for (const ReferenceValues& values : policy.evidence.reference_values) {
    ordered_json set = {{"name", values.name}};
    for (const auto& [index, value] : values.registers)
      set[absl::StrCat("pcr", index)] = HexEncode(value);
    references.push_back(set);
  }
  ordered_json identities;
  for (const SigningPublicKey& key : policy.identities) identities.push_back(key.hex());
  const PlanRules& rules = policy.plan;
  Description out{
      "policy",
      "A policy, fit to be used",
      {{"coordinators", coordinators, "whose plans are accepted"},
       {"platform", policy.evidence.platform, "what signs the aggregator's evidence"},
       {"reference_values", references, "the builds that are accepted; one must match wholly"},
       {"identity", identities, "the aggregators that are accepted; none listed: all of them"},
       {"age_seconds_max", policy.evidence.age_ms_max / 1000, "how old evidence may be"},
       {"quorum_min", rules.quorum_min, "fewest updates that a model may be made of"},
       {"attempts_max", rules.attempts_max, "highest attempt of a round that an update goes into"},
       {"rounds_max", rules.rounds_max, "longest run"},
       {"strategies", NamesJson(rules.strategies), "how updates may be combined"},
       {"deliveries", NamesJson(rules.deliveries), "how models may be handed out"}}};
  if (rules.range_max.has_value()) {
    out.fields.push_back({"range_max", *rules.range_max, "widest range of an update's elements"});
  }
  if (rules.weight_max.has_value()) {
    out.fields.push_back(
        {"weight_max", rules.weight_max->value(), "greatest weight one update may claim"});
  }
  if (rules.participants_min.has_value()) {
    out.fields.push_back(
        {"participants_min", *rules.participants_min, "fewest participants of a plan"});
  }
  return out;
}

}  // namespace sealfold
