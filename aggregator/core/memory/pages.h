// Memory straight from the system: returned to it when released, wiped before that.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// An anonymous private mapping of zero bytes, left out of core dumps and locked in memory where the
// system allows it. A page costs memory once it is written. Moves, does not copy.
class Pages {
 public:
  enum class Use {
    kStaging,  // small pieces that come and go
    kSum,      // large and written throughout: huge pages where the system has them
  };
  // "memory_short" when the system refuses. Requires: size_bytes > 0.
  static absl::StatusOr<Pages> Map(uint64_t size_bytes, Use use);

  Pages() = default;  // of size 0
  Pages(Pages&& other) noexcept;
  Pages& operator=(Pages&& other) noexcept;
  ~Pages();

  uint64_t size() const { return size_bytes_; }
  ByteSpan span() const { return ByteSpan(data_, size_bytes_); }
  // For writing. Only pages that were asked for this way are wiped, so an unused mapping is never
  // touched.
  MutableByteSpan Write();
  // Wipes and gives the memory back now.
  void Release();

 private:
  Pages(uint8_t* data, uint64_t size_bytes) : data_(data), size_bytes_(size_bytes) {}
  uint8_t* data_ = nullptr;
  uint64_t size_bytes_ = 0;
  bool written_ = false;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
