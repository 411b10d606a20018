// What outlives the host program: one run's folder.
//
//   plan.cose  model-0.safetensors          written by `sealfold-coordinator plan`
//   model-R.safetensors  record-R.cbor      published rounds, public
//   model-R.part                            a model on its way from the aggregator
//   run.json                                how far the run is
//
// A round is published once its record is written and its model has its final name, in this order.
// The program may be killed at any time: Open finds or finishes a consistent state.
#ifndef SEALFOLD_AGGREGATOR_HOST_RUN_RUN_STORE_H_
#define SEALFOLD_AGGREGATOR_HOST_RUN_RUN_STORE_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/host/run/file_parts.h"
#include "aggregator/host/run/part_file.h"
#include "protocol/message/message.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

inline constexpr size_t kPlanFileBytesMax = 33u << 20;

struct RunState {
  RunPhase phase = RunPhase::kIdle;
  uint64_t round = 0;    // current, from 1 once launched
  uint64_t attempt = 0;  // the last that was started of this round; 0: none yet
  std::string detail;    // why it failed
  bool operator==(const RunState&) const = default;
};

// One thread, one process a folder. Errors of the system are InvalidArgument ("file_unusable", of a
// public file that is read "file_unreadable").
class RunStore {
 public:
  // "state_in_use" (another serve), "state_damaged", "state_of_another_plan", "model_wrong"
  // (model-0 is not what the plan names), or an error of OpenPlan.
  static absl::StatusOr<std::unique_ptr<RunStore>> Open(const std::string& folder);
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;
  ~RunStore();

  const SignedPlan& plan() const { return plan_; }
  const RunState& state() const { return state_; }
  // Durable when it returns OK.
  absl::Status Save(const RunState& state);

  uint64_t records() const { return records_; }  // rounds published
  // Of the last published round: its signed record; none before the first.
  const std::optional<Bytes>& last_record() const { return last_record_; }

  // At most `length_max` bytes of a public file from `offset`, not copied (FileParts).
  // PermissionDenied ("not_published", "offset_out_of_range").
  absl::StatusOr<FilePart> Read(FileKind what, uint64_t round, uint64_t offset, size_t length_max);

  // The model of round records() + 1 arrives: starts it over, or adds to it. Append answers
  // InvalidArgument ("model_part_unexpected") for bytes that do not follow or are too many.
  absl::Status BeginModel();
  absl::Status AppendModel(uint64_t offset, ByteSpan bytes);
  void DropModel();

  // Publishes round records() + 1: `record_file` must fit plan, chain, `attempt` and the model that
  // arrived (PermissionDenied, "result_*", "record_*" or "chain_*": nothing changed).
  absl::Status Publish(uint64_t attempt, ByteSpan record_file);

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  explicit RunStore(std::string folder) : folder_(std::move(folder)) {}
  absl::Status Lock();
  absl::Status LoadPlan();
  absl::Status LoadRecords();
  absl::Status LoadState();
  std::string ModelPath(uint64_t round) const;
  std::string RecordPath(uint64_t round) const;
  std::string PartPath(uint64_t round) const;
  uint64_t ModelSizeBytes(uint64_t round) const;

  std::string folder_;
  int lock_fd_ = -1;
  SignedPlan plan_;
  RunState state_;
  uint64_t records_ = 0;
  std::optional<CheckedRecord> last_;
  std::optional<Bytes> last_record_;
  std::optional<PartFile> part_;
  FileParts parts_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_RUN_RUN_STORE_H_
