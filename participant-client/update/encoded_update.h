// An update file in the plan's encoding, made chunk by chunk as it is read.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ENCODED_UPDATE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ENCODED_UPDATE_H_

#include <cstdint>

#include "participant-client/update/payload_source.h"
#include "participant-client/update/update_file.h"
#include "protocol/base/secret.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// Memory in use is a chunk's and a block's, whatever the file's size. Moves.
class EncodedUpdate : public PayloadSource {
 public:
  // `seed` has kRandomStreamSeedSize bytes that the caller drew; the payload is a function of it
  // and the file. `file` outlives it. Requires: plan.update_encoding; file.CheckValues() passed.
  EncodedUpdate(UpdateFile& file, const Plan& plan, Secret seed);

  uint64_t size_bytes() const override { return layout_.size_bytes; }
  ByteSpan Read(uint64_t offset, MutableByteSpan room) override;
  absl::Status CheckUnchanged() const override { return file_->CheckUnchanged(); }

 private:
  UpdateFile* file_;
  PayloadLayout layout_;
  uint32_t scale_bits_max_ = 0;
  Secret seed_;
  Secret random_;  // of one chunk's elements; int8_blocks only
  Secret places_;  // room for EncodeTopKBlock
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ENCODED_UPDATE_H_
