// COSE_Sign1: the input as it is, and the input laid over a well-signed message, which must be
// refused unless it changes nothing.
#include <algorithm>

#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"

namespace sealfold {
namespace {

constexpr char kContext[] = "sealfold fuzz 1";

const Bytes& Good() {
  static const Bytes bytes =
      SignSign1(SigningKey::FromSeed(Secret(SigningKey::kSeedSize)), kContext, AsBytes("payload"));
  return bytes;
}

// What opens is what was signed: written again in the only way there is, it gives the same bytes.
void CheckOpened(ByteSpan bytes) {
  const absl::StatusOr<Sign1> opened = OpenSign1(bytes, kContext);
  if (!opened.ok()) return;
  SEALFOLD_CHECK(bytes == ByteSpan(Good()));
  SEALFOLD_CHECK(AsText(opened->payload) == "payload");
}

// The first byte says where, the rest is XORed there.
void CheckLaidOver(ByteSpan input) {
  Bytes bytes = Good();
  const size_t start = input[0] % bytes.size();
  const size_t count = std::min(input.size() - 1, bytes.size() - start);
  for (size_t i = 0; i < count; ++i) bytes[start + i] ^= input[1 + i];
  CheckOpened(bytes);
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sealfold::ByteSpan input(data, size);
  sealfold::CheckOpened(input);
  if (!input.empty()) sealfold::CheckLaidOver(input);
  return 0;
}
