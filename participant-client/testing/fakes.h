// A store and a payload in memory, for the tests of the session.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_TESTING_FAKES_H_
#define SEALFOLD_PARTICIPANT_CLIENT_TESTING_FAKES_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "participant-client/memory/session_store.h"
#include "participant-client/update/payload_source.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/aead.h"

namespace sealfold::testing_world {

// What survives a process. Tags may be lost, as by a loss of power.
class StoreInMemory : public SessionStore {
 public:
  absl::Status Save(const Memory& saved) override {
    memory = saved;
    ++saves;
    return absl::OkStatus();
  }
  absl::Status WriteTags(uint64_t first, ByteSpan written) override {
    tags.resize(std::max<size_t>(tags.size(), first * kAeadTagSize + written.size()));
    std::copy(written.begin(), written.end(),
              tags.begin() + static_cast<ptrdiff_t>(first * kAeadTagSize));
    return absl::OkStatus();
  }
  absl::Status ReadTags(uint64_t first, MutableByteSpan out) override {
    if (first * kAeadTagSize + out.size() > tags.size()) {
      return BadInput({.code = "tags_lost", .what = "tags"});
    }
    std::copy_n(tags.begin() + static_cast<ptrdiff_t>(first * kAeadTagSize), out.size(),
                out.begin());
    return absl::OkStatus();
  }
  absl::Status ClearTags() override {
    tags.clear();
    return absl::OkStatus();
  }

  std::optional<Memory> memory;
  Bytes tags;
  uint64_t saves = 0;
};

// Counts what is read of it: what nobody read cannot have been sent.
class PayloadInMemory : public PayloadSource {
 public:
  explicit PayloadInMemory(Bytes content) : bytes(std::move(content)) {}
  uint64_t size_bytes() const override { return bytes.size(); }
  ByteSpan Read(uint64_t offset, MutableByteSpan room) override {
    ++reads;
    return ByteSpan(bytes).subspan(offset, room.size());
  }

  Bytes bytes;
  uint64_t reads = 0;
};

}  // namespace sealfold::testing_world

#endif  // SEALFOLD_PARTICIPANT_CLIENT_TESTING_FAKES_H_
