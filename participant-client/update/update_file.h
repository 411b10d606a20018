// An update as a training program leaves it: a safetensors file with the plan's tensors, in any
// order.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_UPDATE_UPDATE_FILE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_UPDATE_UPDATE_FILE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "participant-client/memory/memory.h"
#include "participant-client/update/payload_source.h"
#include "protocol/model/safetensors.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// Mapped, never read as a whole: memory in use stays at a few pages whatever the file's size.
// Moves.
class UpdateFile : public PayloadSource {
 public:
  // Maps `path` and compares its tensors with the plan's: names, dtypes, shapes. InvalidArgument,
  // codes "update_*", naming the tensor.
  static absl::StatusOr<UpdateFile> Open(const std::string& path, const Plan& plan);

  // Reads every element: finite and within [-range, range] of the plan. InvalidArgument naming
  // tensor, index and kind of value, never the value: "update_not_finite", "update_out_of_range".
  absl::Status CheckValues() const;

  // `given`, or else the metadata's "num_examples", as this update's weight: 1 to the plan's
  // weight_max.
  absl::StatusOr<Weight> ChooseWeight(std::optional<uint64_t> given) const;

  UpdateIdentity Identity(Weight weight) const;

  // The payload of a plan without an encoding: tensors in the plan's order, zeros between them. Any
  // stretch may be read.
  uint64_t size_bytes() const override { return layout_.size_bytes; }
  ByteSpan Read(uint64_t offset, MutableByteSpan room) override;
  // A file that another took the place of is unchanged: this one stays mapped.
  absl::Status CheckUnchanged() const override;

  // Elements of the plan's tensor number `tensor`; the view lives as long as this. Requires: the
  // tensor has them.
  ByteSpan Elements(size_t tensor, uint64_t first, uint64_t count) const;
  // The caller has read `size_bytes` more: now and then the mapping's pages are let go.
  void NoteRead(uint64_t size_bytes);

 private:
  UpdateFile(MappedFile file, const Plan& plan);

  MappedFile file_;
  SafetensorsHeader header_;
  PayloadLayout layout_;
  std::vector<TensorSpec> tensors_;        // the plan's
  std::vector<uint64_t> tensors_offsets_;  // in the file, for each of tensors_
  double range_ = 0;
  uint64_t weight_max_ = 0;
  UpdateIdentity identity_;
  std::string path_;
  uint64_t device_ = 0;  // with inode_: which file `path_` named
  uint64_t inode_ = 0;
  uint64_t read_bytes_ = 0;  // since the mapping's pages were last let go
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_UPDATE_UPDATE_FILE_H_
