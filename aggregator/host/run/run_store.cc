#include "aggregator/host/run/run_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/json/json_text.h"
#include "protocol/json/load.h"
#include "protocol/model/mapped_file.h"
#include "protocol/model/tensor.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kStateBytesMax = 64u << 10;

constexpr char kStateSchema[] = R"({
  "type": "object", "additionalProperties": false,
  "required": ["plan", "phase", "round", "attempt", "detail"],
  "properties": {
    "plan": {"type": "string"},
    "phase": {"enum": ["idle", "round", "done", "failed"]},
    "round": {"type": "integer", "minimum": 0, "maximum": 100000},
    "attempt": {"type": "integer", "minimum": 0, "maximum": 1000},
    "detail": {"type": "string"}
  }
})";

bool Exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

absl::StatusOr<uint64_t> FileSizeBytes(const std::string& path) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) return FileError("reading", path);
  return static_cast<uint64_t>(info.st_size);
}

absl::Status Damaged(const std::string& path, absl::string_view expected, absl::string_view found) {
  return BadInput({.code = "state_damaged",
                   .what = path,
                   .expected = std::string(expected),
                   .found = std::string(found),
                   .advice = "restore the folder, or start a new run in an empty one"});
}

}  // namespace

absl::StatusOr<std::unique_ptr<RunStore>> RunStore::Open(const std::string& folder) {
  std::unique_ptr<RunStore> store(new RunStore(folder));
  SEALFOLD_RETURN_IF_ERROR(store->Lock());
  SEALFOLD_RETURN_IF_ERROR(store->LoadPlan());
  SEALFOLD_RETURN_IF_ERROR(store->LoadRecords());
  SEALFOLD_RETURN_IF_ERROR(store->LoadState());
  return store;
}

RunStore::~RunStore() {
  if (lock_fd_ >= 0) close(lock_fd_);
}

absl::Status RunStore::Lock() {
  const std::string path = Path("run.lock");
  lock_fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0) return FileError("opening", path);
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return absl::OkStatus();
  return Refused({.code = "state_in_use",
                  .what = absl::StrCat("folder ", folder_),
                  .expected = "no other program that serves it",
                  .found = "one that holds run.lock",
                  .advice = "stop the other sealfold-coordinator, or serve another folder"});
}

absl::Status RunStore::LoadPlan() {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes,
                            ReadFile(Path("plan.cose"), kPlanFileBytesMax));
  SEALFOLD_ASSIGN_OR_RETURN(plan_, OpenPlan(AsBytes(bytes)));
  SEALFOLD_ASSIGN_OR_RETURN(const uint64_t size, FileSizeBytes(ModelPath(0)));
  bool right = size == ModelSizeBytes(0);
  // A whole model is read only before the run is launched; later the aggregator checks it each
  // round.
  if (right && !Exists(Path("run.json"))) {
    SEALFOLD_ASSIGN_OR_RETURN(MappedFile model, MappedFile::Open(ModelPath(0)));
    Sha256Stream hash;
    for (uint64_t done = 0; done < model.span().size(); done += kPartBytesMax) {
      hash.Update(model.span().subspan(done, kPartBytesMax));
      model.DropBefore(done);
    }
    right = hash.Peek() == plan_.plan.initial_model;
  }
  if (right) return absl::OkStatus();
  return Refused(
      {.code = "model_wrong",
       .what = ModelPath(0),
       .expected = absl::StrCat("the plan's initial model, ", plan_.plan.initial_model.hex()),
       .found = "another file",
       .advice = "use the file that `sealfold-coordinator plan` wrote beside the plan"});
}

absl::Status RunStore::LoadRecords() {
  while (records_ < plan_.plan.rounds && Exists(RecordPath(records_ + 1))) {
    const uint64_t round = records_ + 1;
    // The record is written once the part is whole: only the rename is left to do.
    if (!Exists(ModelPath(round)))
      SEALFOLD_RETURN_IF_ERROR(RenameDurably(PartPath(round), ModelPath(round)));
    SEALFOLD_ASSIGN_OR_RETURN(const uint64_t size, FileSizeBytes(ModelPath(round)));
    if (size != ModelSizeBytes(round)) {
      return Damaged(ModelPath(round), absl::StrCat(ModelSizeBytes(round), " bytes"),
                     absl::StrCat(size, " bytes"));
    }
    records_ = round;
  }
  DropModel();
  if (records_ == 0) return absl::OkStatus();
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes,
                            ReadFile(RecordPath(records_), kRecordFileBytesMax));
  SEALFOLD_ASSIGN_OR_RETURN(RecordFile file, DecodeRecordFile(AsBytes(bytes)));
  SEALFOLD_ASSIGN_OR_RETURN(last_, CheckRecordFile(file));
  if (last_->plan.digest != plan_.digest || last_->record.round.value() != records_) {
    return Damaged(RecordPath(records_), "this run's record of this round", "another");
  }
  last_record_ = std::move(file.record);
  return absl::OkStatus();
}

absl::Status RunStore::LoadState() {
  const std::string path = Path("run.json");
  if (!Exists(path)) {
    return records_ == 0 ? absl::OkStatus() : Damaged(path, "a file: there are records", "none");
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kStateBytesMax));
  SEALFOLD_ASSIGN_OR_RETURN(const json in, LoadJson(text, kStateSchema, path));
  if (in["plan"].get<std::string>() != plan_.digest.hex()) {
    return Refused({.code = "state_of_another_plan",
                    .what = path,
                    .expected = absl::StrCat("plan ", plan_.digest.hex()),
                    .found = in["plan"].get<std::string>(),
                    .advice = "serve each plan from a folder of its own"});
  }
  const std::string phase = in["phase"].get<std::string>();
  const auto names = CborEnumNames(RunPhase{});
  state_ = {
      .phase = static_cast<RunPhase>(std::find(names.begin(), names.end(), phase) - names.begin()),
      .round = in["round"].get<uint64_t>(),
      .attempt = in["attempt"].get<uint64_t>(),
      .detail = in["detail"].get<std::string>()};
  const bool going = state_.phase == RunPhase::kRound || state_.phase == RunPhase::kFailed;
  if ((going && state_.round != records_ && state_.round != records_ + 1) ||
      (state_.phase == RunPhase::kIdle && records_ != 0) ||
      (state_.phase == RunPhase::kDone && records_ != plan_.plan.rounds)) {
    return Damaged(path, absl::StrCat("what fits ", records_, " published rounds"),
                   absl::StrCat("phase ", phase, ", round ", state_.round));
  }
  if (state_.phase != RunPhase::kRound || state_.round > records_) return absl::OkStatus();
  // Killed between a round's publication and the note of it.
  return Save(
      records_ == plan_.plan.rounds
          ? RunState{.phase = RunPhase::kDone, .round = records_, .attempt = 0, .detail = ""}
          : RunState{.phase = RunPhase::kRound, .round = records_ + 1, .attempt = 0, .detail = ""});
}

absl::Status RunStore::Save(const RunState& state) {
  const nlohmann::ordered_json out = {
      {"plan", plan_.digest.hex()},
      {"phase", CborEnumNames(RunPhase{})[static_cast<size_t>(state.phase)]},
      {"round", state.round},
      {"attempt", state.attempt},
      {"detail", state.detail}};
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(Path("run.json"), JsonText(out, /*indent=*/2) + "\n"));
  state_ = state;
  return absl::OkStatus();
}

absl::StatusOr<FilePart> RunStore::Read(FileKind what, uint64_t round, uint64_t offset,
                                        size_t length_max) {
  if (what == FileKind::kPlan) return parts_.Read(Path("plan.cose"), offset, length_max);
  if (round > records_ || (what == FileKind::kRecord && round == 0)) {
    return Refused(
        {.code = "not_published",
         .what = absl::StrCat(what == FileKind::kRecord ? "record" : "model", " of round ", round),
         .expected = absl::StrCat("a round up to ", records_),
         .found = absl::StrCat(round),
         .advice = "ask for the run's status, and again once the round is published"});
  }
  return parts_.Read(what == FileKind::kRecord ? RecordPath(round) : ModelPath(round), offset,
                     length_max);
}

absl::Status RunStore::BeginModel() {
  SEALFOLD_CHECK(records_ < plan_.plan.rounds);
  part_.reset();
  SEALFOLD_ASSIGN_OR_RETURN(part_, PartFile::Create(PartPath(records_ + 1)));
  return absl::OkStatus();
}

absl::Status RunStore::AppendModel(uint64_t offset, ByteSpan bytes) {
  const uint64_t size_max = ModelSizeBytes(records_ + 1);
  if (part_.has_value() && part_->size_bytes() == offset && bytes.size() <= size_max - offset) {
    return part_->Append(bytes);
  }
  return BadInput({.code = "model_part_unexpected",
                   .what = "part of the new model",
                   .expected = part_.has_value() ? absl::StrCat("offset ", part_->size_bytes(),
                                                                ", ", size_max, " bytes in all")
                                                 : "offset 0",
                   .found = absl::StrCat(bytes.size(), " bytes at offset ", offset)});
}

void RunStore::DropModel() {
  part_.reset();
  unlink(PartPath(records_ + 1).c_str());
}

absl::Status RunStore::Publish(uint64_t attempt, ByteSpan record_file) {
  const uint64_t round = records_ + 1;
  const uint64_t size = part_.has_value() ? part_->size_bytes() : 0;
  if (size != ModelSizeBytes(round)) {
    return Refused({.code = "result_incomplete",
                    .what = absl::StrCat("model of round ", round),
                    .expected = absl::StrCat(ModelSizeBytes(round), " bytes"),
                    .found = absl::StrCat(size, " bytes")});
  }
  SEALFOLD_ASSIGN_OR_RETURN(RecordFile file, DecodeRecordFile(record_file));
  SEALFOLD_ASSIGN_OR_RETURN(CheckedRecord checked, CheckRecordFile(file));
  SEALFOLD_RETURN_IF_ERROR(CheckRecordChain(last_.has_value() ? &*last_ : nullptr, checked));
  const bool sealed = plan_.plan.delivery == Delivery::kSealed;
  if (checked.plan.digest != plan_.digest || checked.record.attempt.value() != attempt ||
      (!sealed && checked.record.model != part_->digest())) {
    return Refused({.code = "result_wrong",
                    .what = absl::StrCat("record of round ", round),
                    .expected = absl::StrCat("plan ", plan_.digest.hex(), ", attempt ", attempt,
                                             ", model ", part_->digest().hex()),
                    .found = absl::StrCat("plan ", checked.plan.digest.hex(), ", attempt ",
                                          checked.record.attempt.value(), ", model ",
                                          checked.record.model.hex())});
  }
  SEALFOLD_RETURN_IF_ERROR(part_->Sync());
  part_.reset();
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(RecordPath(round), AsText(record_file)));
  SEALFOLD_RETURN_IF_ERROR(RenameDurably(PartPath(round), ModelPath(round)));
  records_ = round;
  last_ = std::move(checked);
  last_record_ = std::move(file.record);
  return absl::OkStatus();
}

std::string RunStore::ModelPath(uint64_t round) const {
  return Path(absl::StrCat("model-", round, ".safetensors"));
}
std::string RunStore::RecordPath(uint64_t round) const {
  return Path(absl::StrCat("record-", round, ".cbor"));
}
std::string RunStore::PartPath(uint64_t round) const {
  return Path(absl::StrCat("model-", round, ".part"));
}

uint64_t RunStore::ModelSizeBytes(uint64_t round) const {
  const uint64_t size = ModelFileSizeBytes(plan_.plan.tensors);
  const bool sealed = round > 0 && plan_.plan.delivery == Delivery::kSealed;
  return sealed ? SealedModelSizeBytes(size, plan_.plan.chunk_bytes) : size;
}

}  // namespace sealfold
