// Where the bytes of an update's payload come from.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_UPDATE_PAYLOAD_SOURCE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_UPDATE_PAYLOAD_SOURCE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "protocol/base/bytes.h"

namespace sealfold {

class PayloadSource {
 public:
  virtual ~PayloadSource() = default;
  // Of the payload as the plan's PayloadLayout lays it out.
  virtual uint64_t size_bytes() const = 0;
  // The payload's bytes from `offset` on, as many as `room` has: written to it, or else where they
  // lie already, until the next call. Requires: `offset` is a multiple of the plan's chunk size,
  // and offset + room.size() is one or size_bytes().
  virtual ByteSpan Read(uint64_t offset, MutableByteSpan room) = 0;
  // "offer_update_changed" (PermissionDenied) if what Read gives is no longer what was checked.
  virtual absl::Status CheckUnchanged() const { return absl::OkStatus(); }
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_UPDATE_PAYLOAD_SOURCE_H_
