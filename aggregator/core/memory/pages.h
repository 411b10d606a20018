// Memory straight from the system: returned to it when released, or kept for who asks next.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// An anonymous private mapping of zero bytes, of huge pages where the system has them. A page costs
// memory once it is written. Where KeepReleasedPages is on it may be one that was released before:
// then all its pages cost memory at once, and those of kSealed hold whatever they held. Moves, does
// not copy.
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
  // Gives the memory back now, or keeps it (KeepReleasedPages); wiped before, if it was secret.
  void Release();

 private:
  Pages(uint8_t* data, uint64_t size_bytes, Use use)
      : data_(data), size_bytes_(size_bytes), use_(use) {}
  uint8_t* data_ = nullptr;
  uint64_t size_bytes_ = 0;
  Use use_ = Use::kSecret;
  bool written_ = false;
};

// From here on, what is released in pieces of kKeptPagesBytesMin and more is kept in this process
// and handed out again to who asks for as many bytes of the same use; the first who asks for
// another such size has all that is kept of that use given back before. So there is never more than
// was in use at once, and a round after the first takes no new pages, which the system would have
// to clear: on virtual machines that is many times slower than to write them. Off at first, and
// when turned off all is given back. Any thread may call.
void KeepReleasedPages(bool keep);
inline constexpr uint64_t kKeptPagesBytesMin = 2 << 20;

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_PAGES_H_
