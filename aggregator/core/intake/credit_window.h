// How many chunks one sender may have under way: bandwidth times delay of its connection, measured
// while it sends, within bounds. (The same two quantities as in BBR, draft-cardwell-iccrg-bbr: the
// least time to an answer, and the rate of delivery over at least that time.)
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_CREDIT_WINDOW_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_CREDIT_WINDOW_H_

#include <cstdint>
#include <optional>

namespace sealfold {

// To begin with: so many bytes of chunks, but no more chunks than that; at least one.
inline constexpr uint64_t kCreditBytes = 4u << 20;
inline constexpr uint64_t kCreditChunks = 128;
// A window grows to so many times that at most.
inline constexpr uint64_t kCreditGrowthMax = 8;

// One upload's. One thread.
class CreditWindow {
 public:
  explicit CreditWindow(uint64_t chunk_bytes);

  // Twice bandwidth times delay, as a sender hears of new credit when half of it is used. Never
  // shrinks.
  uint64_t chunks() const { return chunks_; }

  // The sender is told that it may send chunks() from `next` on. Chunks are numbered as in the
  // payload.
  void Give(uint64_t next, uint64_t now_ms);
  // Its chunks below `next` are here. True if the window has grown: the sender waits to hear it.
  // `next` may be below that of a call before, and so may Give's: what is sent again is not
  // measured.
  bool Take(uint64_t next, uint64_t now_ms);

 private:
  struct Given {
    uint64_t first;  // chunk that nothing given before allowed
    uint64_t since_ms;
  };
  struct Mark {
    uint64_t next;
    uint64_t at_ms;
  };
  uint64_t chunks_;
  uint64_t chunks_max_;
  uint64_t end_ = 0;                  // of what was given
  std::optional<Given> asked_;        // not answered yet
  std::optional<Mark> mark_;          // from where on the rate is measured
  std::optional<uint64_t> delay_ms_;  // the least from giving to an answer; at least 1
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_CREDIT_WINDOW_H_
