// Any bytes as each message that a peer can send: decoding fails or gives back the same bytes.
#include "protocol/message/message.h"

#include "protocol/base/error.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

template <class M>
void Try(ByteSpan bytes) {
  absl::StatusOr<M> message = cbor::DecodeFields<M>(bytes);
  if (message.ok()) SEALFOLD_CHECK(ByteSpan(cbor::EncodeFields(*message)) == bytes);
}

template <class... M>
void TryAll(ByteSpan bytes) {
  (Try<M>(bytes), ...);
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): the list below is the file
  TryAll<StatusRequest, RunStatus, GetRequest, Part, RefusedMessage, Hello, Offer, Begin, Chunk,
         Query, Progress, ReceiptMessage, Ready, StartRound, CloseRound, Inspect, RoundState,
         WantBase, Base, ModelPart, Finished, Failed, KeepState, HaveState, HaveRelease,
         StateClosed, KeyOpen, KeyAccess, KeyBytes>(ByteSpan(data, size));
  return 0;
}
