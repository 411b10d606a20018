// Plans, envelope headers, receipts, records, claims of an identity and record files. A fuzzer
// cannot sign, so the payload decoders are reached by signing the input with a fixed key under each
// context.
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/envelope/envelope.h"
#include "protocol/envelope/identity.h"
#include "protocol/record/record.h"

namespace sealfold {
namespace {

const SigningKey& Key() {
  static const SigningKey key = SigningKey::FromSeed(Secret(SigningKey::kSeedSize));
  return key;
}

void OpenAll(ByteSpan bytes) {
  OpenPlan(bytes).status().IgnoreError();
  OpenEnvelopeHeader(bytes).status().IgnoreError();
  OpenRecord(bytes).status().IgnoreError();
  OpenReceipt(bytes, Key().public_key()).status().IgnoreError();
  // Nothing but what SignIdentity gives is a claim.
  const Binding binding;
  if (const auto identity = OpenIdentity(bytes, binding); identity.ok()) {
    SEALFOLD_CHECK(*identity == Key().public_key());
    SEALFOLD_CHECK(bytes == ByteSpan(SignIdentity(Key(), binding)));
  }
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sealfold::ByteSpan;
  const ByteSpan bytes(data, size);
  sealfold::OpenAll(bytes);
  for (const char* context : {"sealfold plan 1", "sealfold envelope 1", "sealfold record 1",
                              "sealfold receipt 1", "sealfold identity 1"}) {
    sealfold::OpenAll(sealfold::SignSign1(sealfold::Key(), context, bytes));
  }
  absl::StatusOr<sealfold::RecordFile> file = sealfold::DecodeRecordFile(bytes);
  if (file.ok()) {
    SEALFOLD_CHECK(ByteSpan(sealfold::EncodeRecordFile(*file)) == bytes);
    sealfold::CheckRecordFile(*file).status().IgnoreError();
  }
  return 0;
}
