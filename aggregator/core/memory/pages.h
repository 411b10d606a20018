// Memory straight from the system: returned to it when released.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// An anonymous private mapping of zero bytes, of huge pages where the system has them. A page costs
// memory once it is written. Moves, does not copy.
class Pages {
 public:
  enum class Use {
    kSecret,  // left out of core dumps, locked where the system allows it, wiped when released
    kSealed,  // what the host could see as well
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
  // Gives the memory back now.
  void Release();

 private:
  Pages(uint8_t* data, uint64_t size_bytes, Use use)
      : data_(data), size_bytes_(size_bytes), use_(use) {}
  uint8_t* data_ = nullptr;
  uint64_t size_bytes_ = 0;
  Use use_ = Use::kSecret;
  bool written_ = false;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
