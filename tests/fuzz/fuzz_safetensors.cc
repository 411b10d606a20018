// safetensors headers: whatever is read tiles its file, and is the same when written and read
// again.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sealfold::SafetensorsHeader;
  // The first two bytes say how much data lies behind the header that follows.
  if (size < 2) return 0;
  const uint64_t data_bytes = data[0] | uint64_t{data[1]} << 8;
  const sealfold::ByteSpan file(data + 2, size - 2);
  const absl::StatusOr<SafetensorsHeader> header =
      SafetensorsHeader::Parse(file, file.size() + data_bytes);
  if (!header.ok()) return 0;

  std::vector<sealfold::TensorSpec> specs;
  uint64_t end = header->size_bytes;
  for (const SafetensorsHeader::Entry& entry : header->entries) {
    SEALFOLD_CHECK(entry.offset_bytes == end);
    end += entry.spec.size_bytes();
    specs.push_back(entry.spec);
  }
  SEALFOLD_CHECK(end == file.size() + data_bytes);

  const sealfold::Bytes written = sealfold::SafetensorsHeaderBytes(specs, header->metadata);
  const absl::StatusOr<SafetensorsHeader> again =
      SafetensorsHeader::Parse(written, written.size() + end - header->size_bytes);
  SEALFOLD_CHECK(again.ok() && again->metadata == header->metadata);
  for (size_t i = 0; i < specs.size(); ++i) SEALFOLD_CHECK(again->entries[i].spec == specs[i]);
  return 0;
}
