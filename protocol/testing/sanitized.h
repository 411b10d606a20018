// Whether this build has a sanitizer, which keeps memory and mappings of its own.
#ifndef SEALFOLD_PROTOCOL_TESTING_SANITIZED_H_
#define SEALFOLD_PROTOCOL_TESTING_SANITIZED_H_

namespace sealfold {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TESTING_SANITIZED_H_
