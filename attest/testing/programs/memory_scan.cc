#include "attest/testing/programs/memory_scan.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {
namespace {

constexpr uint8_t kMask = 0x5a;
constexpr size_t kPart = 1 << 20;

// A sanitizer keeps terabytes of notes, and what was on the stack elsewhere.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

int CountIn(ByteSpan bytes, const Bytes& masked) {
  int count = 0;
  const uint8_t* at = bytes.data();
  const uint8_t* const end = at + bytes.size();
  while (static_cast<size_t>(end - at) >= masked.size()) {
    const size_t places = static_cast<size_t>(end - at) - masked.size() + 1;
    at = static_cast<const uint8_t*>(std::memchr(at, masked[0] ^ kMask, places));
    if (at == nullptr) break;
    if (std::equal(masked.begin(), masked.end(), at,
                   [](uint8_t a, uint8_t b) { return a == (b ^ kMask); })) {
      ++count;
    }
    ++at;
  }
  return count;
}

}  // namespace

Bytes Masked(ByteSpan bytes) {
  Bytes out = ToBytes(bytes);
  for (uint8_t& each : out) each ^= kMask;
  return out;
}

std::optional<int> CountInMemory(pid_t pid, const Bytes& masked) {
  if (kSanitized) return std::nullopt;
  std::ifstream maps(absl::StrCat("/proc/", pid, "/maps"));
  const UniqueFd memory(open(absl::StrCat("/proc/", pid, "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!maps.is_open() || !memory.valid()) return std::nullopt;
  Bytes part(kPart);
  int count = 0;
  bool any = false;
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    char may[5] = {};
    SEALFOLD_CHECK(std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s", &begin, &end, may) ==
                   3);
    if (may[0] != 'r' || may[1] != 'w') continue;
    // Parts overlap, so that nothing is cut in two; what is in both is counted once.
    for (uint64_t at = begin; at + masked.size() <= end; at += kPart - masked.size() + 1) {
      const size_t size = std::min<uint64_t>(kPart, end - at);
      const ssize_t got = pread(memory.get(), part.data(), size, static_cast<off_t>(at));
      if (got <= 0) break;  // not there after all, as a guard page
      any = true;
      count += CountIn(ByteSpan(part).first(static_cast<size_t>(got)), masked);
    }
  }
  if (!any) return std::nullopt;
  return count;
}

std::optional<int> CountInOwnMemory(const Bytes& masked) {
  // A copy that does nothing, so that looking leaves no copies of its own.
  const pid_t copy = fork();
  SEALFOLD_CHECK(copy >= 0);
  if (copy == 0) {
    for (;;) pause();
  }
  const std::optional<int> count = CountInMemory(copy, masked);
  SEALFOLD_CHECK(kill(copy, SIGKILL) == 0 && waitpid(copy, nullptr, 0) == copy);
  return count;
}

}  // namespace sealfold
