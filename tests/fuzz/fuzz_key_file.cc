// Key files: whatever is read is the same when written and read again.
#include <cstddef>
#include <cstdint>

#include "protocol/base/error.h"
#include "protocol/crypto/key_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sealfold::ByteSpan input(data, size);
  const absl::StatusOr<sealfold::KeyFile> file = sealfold::ParseKeyFile(input);
  if (file.ok()) {
    const absl::StatusOr<sealfold::KeyFile> again =
        sealfold::ParseKeyFile(sealfold::EncodeKeyFile(*file).span());
    SEALFOLD_CHECK(again.ok() && again->role == file->role);
    SEALFOLD_CHECK(
        sealfold::EqualConstantTime(again->signing_seed.span(), file->signing_seed.span()));
  }
  const absl::StatusOr<sealfold::PublicKeyFile> open =
      sealfold::ParsePublicKeyFile(sealfold::AsText(input), "key");
  if (open.ok()) {
    const absl::StatusOr<sealfold::PublicKeyFile> again =
        sealfold::ParsePublicKeyFile(sealfold::EncodePublicKeyFile(*open), "again");
    SEALFOLD_CHECK(again.ok() && again->key == open->key && again->name == open->name);
  }
  return 0;
}
