#include "aggregator/core/publish/part_tags.h"

#include <utility>

namespace sealfold {

PartTags::PartTags(Aead aead) : aead_(std::move(aead)) {}

PartTags::Tag PartTags::TagOf(uint64_t index, ByteSpan part) const {
  std::array<uint8_t, kAeadNonceSize> nonce{};
  StoreBigEndian64(absl::MakeSpan(nonce).subspan(kAeadNonceSize - sizeof(index)), index);
  Tag tag;
  aead_.Seal(nonce, /*aad=*/part, /*plaintext=*/{}, absl::MakeSpan(tag));
  return tag;
}

void PartTags::Add(ByteSpan part) { tags_.push_back(TagOf(tags_.size(), part)); }

bool PartTags::Same(uint64_t index, ByteSpan part) const {
  return EqualConstantTime(TagOf(index, part), tags_.at(index));
}

}  // namespace sealfold
