#include "protocol/plan/plan_json.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "embedded/plan_schema.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/json/load.h"

namespace sealfold {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// The value that the schema's `enum` let through: both lists are the same, which plan_json_test
// checks.
template <class E>
E NamedValue(const json& name) {
  const auto names = CborEnumNames(E{});
  for (size_t i = 0; i < names.size(); ++i) {
    if (name.get<std::string>() == names[i]) return static_cast<E>(i);
  }
  CheckFailed("the schema lists a name that the code lacks", __FILE__, __LINE__);
}

template <class E>
std::string NameOf(E value) {
  return CborEnumNames(value)[static_cast<size_t>(value)];
}

// Takes each member that is there; the schema has made sure of its type.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}
  const json* Find(const char* name) const {
    auto it = object_.find(name);
    return it == object_.end() ? nullptr : &*it;
  }
  template <class T>
  void Take(const char* name, T& out) const {
    if (const json* value = Find(name)) out = value->get<T>();
  }
  template <class E>
  void TakeNamed(const char* name, E& out) const {
    if (const json* value = Find(name)) out = NamedValue<E>(*value);
  }

 private:
  const json& object_;
};

template <class Key>
absl::Status TakeHex(const json& text, absl::string_view where, Key& out) {
  absl::StatusOr<Key> key = Key::FromHex(text.get<std::string>());
  if (!key.ok()) {
    Explanation e = Explain(key.status());
    e.what = std::string(where);
    return BadInput(e);
  }
  out = *key;
  return absl::OkStatus();
}

absl::StatusOr<PlanParticipant> Participant(const json& in, absl::string_view where) {
  PlanParticipant out;
  out.name = in["name"].get<std::string>();
  SEALFOLD_RETURN_IF_ERROR(TakeHex(in["key"], absl::StrCat(where, "/key"), out.key));
  SEALFOLD_RETURN_IF_ERROR(
      TakeHex(in["model_key"], absl::StrCat(where, "/model_key"), out.model_key));
  return out;
}

TensorSpec Tensor(const json& in) {
  return {.name = in["name"].get<std::string>(),
          .dtype = NamedValue<Dtype>(in["dtype"]),
          .shape = in["shape"].get<std::vector<uint64_t>>()};
}

UpdateEncoding Encoding(const json& in) {
  UpdateEncoding out;
  const Members members(in);
  members.TakeNamed("kind", out.kind);
  members.Take("block_elements", out.block_elements);
  if (const json* kept = members.Find("kept")) out.kept = kept->get<uint64_t>();
  return out;
}

ordered_json EncodingJson(const UpdateEncoding& encoding) {
  ordered_json out = {{"kind", NameOf(encoding.kind)}, {"block_elements", encoding.block_elements}};
  if (encoding.kept.has_value()) out["kept"] = *encoding.kept;
  return out;
}

}  // namespace

absl::string_view PlanJsonSchema() { return kPlanSchema; }

absl::StatusOr<PlanDraft> ParsePlanJson(absl::string_view text, absl::string_view source) {
  SEALFOLD_ASSIGN_OR_RETURN(const json in, LoadJson(text, kPlanSchema, source));
  PlanDraft draft;
  Plan& plan = draft.plan;
  const Members members(in);
  members.Take("name", plan.name);
  members.Take("rounds", plan.rounds);
  members.Take("quorum", plan.quorum);
  members.TakeNamed("strategy", plan.strategy);
  members.Take("learning_rate", plan.learning_rate);
  members.Take("range", plan.range);
  plan.weight_max = Weight(in["weight_max"].get<uint64_t>());
  members.Take("attempts_max", plan.attempts_max);
  members.Take("deadline_seconds", plan.deadline_seconds);
  members.Take("early_close", plan.early_close);
  members.TakeNamed("suite", plan.suite);
  members.Take("chunk_bytes", plan.chunk_bytes);
  members.Take("staging_bytes_max", plan.staging_bytes_max);
  members.TakeNamed("delivery", plan.delivery);
  if (const json* encoding = members.Find("update_encoding")) {
    plan.update_encoding = Encoding(*encoding);
  }
  members.Take("participant_files", draft.participant_files);
  if (const json* participants = members.Find("participants")) {
    for (size_t i = 0; i < participants->size(); ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(
          PlanParticipant p,
          Participant((*participants)[i], absl::StrCat(source, ": /participants/", i)));
      plan.participants.push_back(std::move(p));
    }
  }
  if (const json* tensors = members.Find("tensors")) {
    for (const json& tensor : *tensors) plan.tensors.push_back(Tensor(tensor));
  }
  if (const json* digest = members.Find("initial_model")) {
    draft.initial_model_given = true;
    SEALFOLD_RETURN_IF_ERROR(
        TakeHex(*digest, absl::StrCat(source, ": /initial_model"), plan.initial_model));
  }
  return draft;
}

std::string PlanToJson(const Plan& plan) {
  ordered_json participants = ordered_json::array();
  for (const PlanParticipant& p : plan.participants) {
    participants.push_back(
        {{"name", p.name}, {"key", p.key.hex()}, {"model_key", p.model_key.hex()}});
  }
  ordered_json tensors = ordered_json::array();
  for (const TensorSpec& t : plan.tensors) {
    tensors.push_back({{"name", t.name}, {"dtype", DtypeName(t.dtype)}, {"shape", t.shape}});
  }
  ordered_json out = {{"name", plan.name},
                      {"rounds", plan.rounds},
                      {"participants", participants},
                      {"quorum", plan.quorum},
                      {"strategy", NameOf(plan.strategy)},
                      {"learning_rate", plan.learning_rate},
                      {"range", plan.range},
                      {"weight_max", plan.weight_max.value()},
                      {"attempts_max", plan.attempts_max},
                      {"deadline_seconds", plan.deadline_seconds},
                      {"early_close", plan.early_close},
                      {"suite", NameOf(plan.suite)},
                      {"chunk_bytes", plan.chunk_bytes},
                      {"staging_bytes_max", plan.staging_bytes_max},
                      {"delivery", NameOf(plan.delivery)},
                      {"tensors", tensors},
                      {"initial_model", plan.initial_model.hex()}};
  if (plan.update_encoding.has_value())
    out["update_encoding"] = EncodingJson(*plan.update_encoding);
  return JsonText(out, /*indent=*/2);
}

}  // namespace sealfold
