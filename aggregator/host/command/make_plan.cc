#include "aggregator/host/command/make_plan.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "aggregator/host/run/part_file.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"
#include "protocol/json/load.h"
#include "protocol/model/element.h"
#include "protocol/model/mapped_file.h"
#include "protocol/model/safetensors.h"
#include "protocol/plan/plan_json.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kCopyBytes = 1u << 20;  // a multiple of every dtype's size
constexpr uint64_t kStagingDefaultBytes = uint64_t{1} << 30;

absl::Status ModelMismatch(absl::string_view what, absl::string_view expected,
                           absl::string_view found) {
  return BadInput(
      {.code = "model_mismatch",
       .what = std::string(what),
       .expected = std::string(expected),
       .found = std::string(found),
       .advice =
           "pass the model that the plan describes, or leave tensors and initial_model out of the "
           "plan"});
}

std::string ShapeText(const TensorSpec& spec) {
  std::string text = absl::StrCat(DtypeName(spec.dtype), " [");
  for (size_t i = 0; i < spec.shape.size(); ++i)
    absl::StrAppend(&text, i == 0 ? "" : ", ", spec.shape[i]);
  return text + "]";
}

absl::Status AddParticipants(const std::vector<std::string>& paths, Plan& plan) {
  for (const std::string& path : paths) {
    SEALFOLD_ASSIGN_OR_RETURN(PublicKeyFile file, ReadPublicKeyFile(path));
    if (!file.model_key.has_value()) {
      return BadInput({.code = "key_role_wrong",
                       .what = absl::StrCat("public key file ", path),
                       .expected = "a participant's, with a model_key",
                       .found = "a coordinator's",
                       .advice = "pass the .pub file that `sealfold-participant keygen` wrote"});
    }
    plan.participants.push_back(
        {.name = std::move(file.name), .key = file.key, .model_key = *file.model_key});
  }
  return absl::OkStatus();
}

// The model's tensors in the plan's order; or its own, which become the plan's.
absl::StatusOr<std::vector<SafetensorsHeader::Entry>> MatchTensors(const SafetensorsHeader& header,
                                                                   Plan& plan) {
  if (plan.tensors.empty()) {
    for (const SafetensorsHeader::Entry& entry : header.entries) plan.tensors.push_back(entry.spec);
    return header.entries;
  }
  std::vector<SafetensorsHeader::Entry> entries;
  for (const TensorSpec& spec : plan.tensors) {
    const SafetensorsHeader::Entry* entry = header.Find(spec.name);
    if (entry == nullptr || entry->spec != spec) {
      return ModelMismatch(absl::StrCat("tensor ", spec.name, " of the model"), ShapeText(spec),
                           entry == nullptr ? "none" : ShapeText(entry->spec));
    }
    entries.push_back(*entry);
  }
  if (header.entries.size() == entries.size()) return entries;
  return ModelMismatch("tensors of the model", absl::StrCat(entries.size(), ", as in the plan"),
                       absl::StrCat(header.entries.size()));
}

struct CopiedModel {
  Digest digest;
  double largest = 0;
};

// Appends a tensor's elements, each looked at.
absl::Status CopyTensor(const MappedFile& file, const SafetensorsHeader::Entry& entry,
                        PartFile& out, double& largest) {
  const uint64_t element_bytes = DtypeSizeBytes(entry.spec.dtype);
  const ByteSpan data = file.span().subspan(entry.offset_bytes, entry.spec.size_bytes());
  for (uint64_t done = 0; done < data.size(); done += kCopyBytes) {
    const ByteSpan piece = data.subspan(done, kCopyBytes);
    for (uint64_t i = 0; i < piece.size(); i += element_bytes) {
      const double value = std::fabs(ReadElement(entry.spec.dtype, piece.data() + i));
      if (!std::isfinite(value)) {
        return BadInput(
            {.code = "model_not_finite",
             .what = absl::StrCat("tensor ", entry.spec.name, " of the model"),
             .expected = "finite elements",
             .found = absl::StrCat("NaN or infinity at element ", (done + i) / element_bytes)});
      }
      largest = std::max(largest, value);
    }
    SEALFOLD_RETURN_IF_ERROR(out.Append(piece));
    file.DropBefore(entry.offset_bytes + done);
  }
  return absl::OkStatus();
}

absl::StatusOr<CopiedModel> CopyModel(const MappedFile& file,
                                      const std::vector<SafetensorsHeader::Entry>& entries,
                                      const Plan& plan, const std::string& path) {
  CopiedModel copied;
  const std::string part_path = absl::StrCat(path, ".part");
  SEALFOLD_ASSIGN_OR_RETURN(PartFile out, PartFile::Create(part_path));
  absl::Status status = out.Append(ModelFileHeader(plan.tensors));
  for (size_t i = 0; i < entries.size() && status.ok(); ++i) {
    status = CopyTensor(file, entries[i], out, copied.largest);
  }
  if (status.ok()) status = out.Sync();
  if (status.ok()) status = RenameDurably(part_path, path);
  if (!status.ok()) {
    unlink(part_path.c_str());
    return status;
  }
  copied.digest = out.digest();
  return copied;
}

// As many sealed updates as fit into 1 GiB: at least one, no more than there are participants.
absl::StatusOr<uint64_t> StagingDefault(const Plan& plan) {
  SEALFOLD_RETURN_IF_ERROR(CheckTensors(plan.tensors));
  if (plan.update_encoding.has_value()) {
    SEALFOLD_RETURN_IF_ERROR(CheckUpdateEncoding(*plan.update_encoding, plan.chunk_bytes));
  }
  const uint64_t update_bytes = SealedUpdateBytes(plan);
  const uint64_t updates =
      std::clamp<uint64_t>(kStagingDefaultBytes / update_bytes, 1, plan.participants.size());
  return updates * update_bytes;
}

}  // namespace

absl::StatusOr<MadePlan> MakePlan(const MakePlanOptions& options) {
  const fs::path folder = fs::path(options.out).parent_path();
  if (fs::exists(folder / "run.json")) {
    return Refused({.code = "run_exists",
                    .what = absl::StrCat("folder ", folder.string()),
                    .expected = "no run yet",
                    .found = "run.json of a run that was launched",
                    .advice = "write the plan into a new folder"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text, ReadFile(options.plan_json, kJsonBytesMax));
  SEALFOLD_ASSIGN_OR_RETURN(PlanDraft draft, ParsePlanJson(text, options.plan_json));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyFile key, ReadKeyFile(options.key, KeyRole::kCoordinator));
  Plan& plan = draft.plan;
  for (std::string& path : draft.participant_files) {
    path = (fs::path(options.plan_json).parent_path() / path).string();
  }
  SEALFOLD_RETURN_IF_ERROR(AddParticipants(draft.participant_files, plan));
  SEALFOLD_RETURN_IF_ERROR(AddParticipants(options.participant_files, plan));
  if (plan.participants.empty()) {
    return BadInput({.code = "plan_participants",
                     .what = options.plan_json,
                     .expected = "at least one participant",
                     .found = "none",
                     .advice = "name public key files with --participant or in participant_files"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(options.model));
  const absl::StatusOr<SafetensorsHeader> header =
      SafetensorsHeader::Parse(file.span(), file.span().size());
  if (!header.ok()) return About(options.model, header.status());
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<SafetensorsHeader::Entry> entries,
                            MatchTensors(*header, plan));
  if (plan.staging_bytes_max == 0) {
    SEALFOLD_ASSIGN_OR_RETURN(plan.staging_bytes_max, StagingDefault(plan));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckPlan(plan));

  std::error_code error;
  if (!folder.empty()) fs::create_directories(folder, error);
  const std::string model_path = (folder / "model-0.safetensors").string();
  if (fs::equivalent(options.model, model_path, error)) {
    return BadInput({.code = "model_in_place",
                     .what = absl::StrCat("initial model ", options.model),
                     .expected = "a file beside which model-0.safetensors can be written",
                     .found = "that file itself",
                     .advice = "keep the initial model elsewhere"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const CopiedModel model, CopyModel(file, entries, plan, model_path));
  if (draft.initial_model_given && plan.initial_model != model.digest) {
    return ModelMismatch("initial_model of the plan", plan.initial_model.hex(), model.digest.hex());
  }
  plan.initial_model = model.digest;
  MadePlan made = {.plan = SignPlan(plan, key.signing_key()),
                   .model_path = model_path,
                   .warnings = PlanWarnings(plan, model.largest)};
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out, AsText(made.plan.bytes)));
  return made;
}

}  // namespace sealfold
