// Envelopes to a recipient's key (CMS) and recipients' keys (SubjectPublicKeyInfo). The first byte
// says what the rest is: 'e' an envelope, 'k' a key, else changes to a good envelope, each the
// place (16 bits, little-endian) and the byte to put there, so that what is behind the key's
// operation is reached.
#include <cstddef>
#include <cstdint>

#include "attest/keyclient/wire/recipient_key.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

struct Fixture {
  RecipientKey key = RecipientKey::Generate();
  Bytes content = Bytes(32, 7);
  Bytes envelope = SealToRecipient(key.Spki(), content).value();
};

void Open(const Fixture& fixture, ByteSpan envelope) {
  const absl::StatusOr<Secret> opened = fixture.key.Open(envelope);
  if (opened.ok()) {
    SEALFOLD_CHECK(opened->size() <= kEnvelopeSizeMax);
  } else {
    SEALFOLD_CHECK(ErrorCode(opened.status()) == "envelope_malformed" ||
                   ErrorCode(opened.status()) == "envelope_closed");
  }
  if (envelope == ByteSpan(fixture.envelope)) {
    SEALFOLD_CHECK(opened.ok() && opened->span() == ByteSpan(fixture.content));
  }
}

void TakeKey(ByteSpan spki) {
  const absl::Status fit = CheckRecipientKey(spki);
  SEALFOLD_CHECK(fit.ok() || ErrorCode(fit) == "recipient_key_unfit");
  const absl::StatusOr<Bytes> sealed = SealToRecipient(spki, Bytes(32));
  if (!fit.ok()) SEALFOLD_CHECK(ErrorCode(sealed.status()) == "recipient_key_unfit");
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  static const Fixture fixture;
  if (size == 0) return 0;
  const ByteSpan rest(data + 1, size - 1);
  if (data[0] == 'e') {
    Open(fixture, rest);
  } else if (data[0] == 'k') {
    TakeKey(rest);
  } else {
    Bytes changed = fixture.envelope;
    for (size_t i = 0; i + 2 < rest.size(); i += 3) {
      changed[(rest[i] | rest[i + 1] << 8) % changed.size()] = rest[i + 2];
    }
    Open(fixture, changed);
  }
  return 0;
}
