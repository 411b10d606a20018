#include "attest/keybroker/server/wiping_heap.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>

#include "protocol/base/error.h"
#include "protocol/base/secret.h"

namespace sealfold {
namespace {

constexpr size_t kStackWiped = 128 << 10;

void WipeAndFree(void* memory) {
  if (memory == nullptr) return;
  // All that the block holds: who grew within it may have used more than was asked for.
  Wipe(MutableByteSpan(static_cast<uint8_t*>(memory), malloc_usable_size(memory)));
  std::free(memory);
}

[[maybe_unused]] void* Take(size_t size, bool or_throw) {
  void* const memory = std::malloc(std::max<size_t>(size, 1));
  if (memory == nullptr && or_throw) throw std::bad_alloc();
  return memory;
}

void* OpenSslTake(size_t size, const char*, int) { return size == 0 ? nullptr : std::malloc(size); }

void OpenSslFree(void* memory, const char*, int) { WipeAndFree(memory); }

void* OpenSslGrow(void* memory, size_t size, const char*, int) {
  if (size == 0) {
    WipeAndFree(memory);
    return nullptr;
  }
  void* const grown = std::malloc(size);
  if (grown == nullptr || memory == nullptr) return grown;
  std::memcpy(grown, memory, std::min(size, malloc_usable_size(memory)));
  WipeAndFree(memory);
  return grown;
}

bool openssl_wipes = false;

void TakeOverOpenSsl() {
  openssl_wipes = CRYPTO_set_mem_functions(&OpenSslTake, &OpenSslGrow, &OpenSslFree) == 1;
}

// Before the libraries' own beginnings: OpenSSL lets its memory be taken over only while it has
// none, and cpp-httplib's beginning has it make some.
__attribute__((section(".preinit_array"), used)) void (*const kBeforeAll)() = &TakeOverOpenSsl;

}  // namespace

void CheckHeapWipes() { SEALFOLD_CHECK(openssl_wipes); }

__attribute__((noinline)) void WipeStack() {
  std::array<uint8_t, kStackWiped> below;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  Wipe(absl::MakeSpan(below));
}

}  // namespace sealfold

// ThreadSanitizer has operators of its own, and does not let them be taken over.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SEALFOLD_OPERATORS_TAKEN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define SEALFOLD_OPERATORS_TAKEN 1
#endif
#ifndef SEALFOLD_OPERATORS_TAKEN
// Those for greater alignments stay the library's: nothing of a request is in such memory.
void* operator new(size_t size) { return sealfold::Take(size, true); }
void* operator new[](size_t size) { return sealfold::Take(size, true); }
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return sealfold::Take(size, false);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
  return sealfold::Take(size, false);
}
void operator delete(void* memory) noexcept { sealfold::WipeAndFree(memory); }
void operator delete[](void* memory) noexcept { sealfold::WipeAndFree(memory); }
void operator delete(void* memory, size_t) noexcept { sealfold::WipeAndFree(memory); }
void operator delete[](void* memory, size_t) noexcept { sealfold::WipeAndFree(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  sealfold::WipeAndFree(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  sealfold::WipeAndFree(memory);
}
#endif
