// Knows the parts of a file again that it saw once.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_PART_TAGS_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_PART_TAGS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "protocol/crypto/aead/aead.h"

namespace sealfold {

// Keeps 16 bytes for each part: its authentication tag under a key that only this round has, many
// times faster to make than a hash. Who does not have the key cannot make another part with the
// same tag; tags are compared here and never shown. One thread.
class PartTags {
 public:
  // The key is drawn for this alone.
  explicit PartTags(Aead aead);
  // Of the next part, from 0 on. Requires: part.size() < 2^31.
  void Add(ByteSpan part);
  // Whether part `index` was this. Requires: it was added.
  bool Same(uint64_t index, ByteSpan part) const;
  void Clear() { tags_.clear(); }

 private:
  using Tag = std::array<uint8_t, kAeadTagSize>;
  Tag TagOf(uint64_t index, ByteSpan part) const;
  Aead aead_;
  std::vector<Tag> tags_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_PART_TAGS_H_
