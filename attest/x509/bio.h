// OpenSSL's streams in memory.
#ifndef SEALFOLD_ATTEST_X509_BIO_H_
#define SEALFOLD_ATTEST_X509_BIO_H_

#include <openssl/bio.h>

#include <cstddef>
#include <memory>

#include "absl/strings/string_view.h"
#include "protocol/base/error.h"

namespace sealfold {

using UniqueBio = std::unique_ptr<BIO, decltype(&BIO_free)>;

// To write to: BIO_s_mem(), or BIO_s_secmem(), which is wiped when freed.
inline UniqueBio NewBio(const BIO_METHOD* method = BIO_s_mem()) {
  UniqueBio bio(BIO_new(method), &BIO_free);
  SEALFOLD_CHECK(bio != nullptr);
  return bio;
}

// To read from; `text` must outlive it.
inline UniqueBio BioOf(absl::string_view text) {
  UniqueBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  SEALFOLD_CHECK(bio != nullptr);
  return bio;
}

// What was written; valid until more is, or the stream goes.
inline absl::string_view Contents(const UniqueBio& bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? absl::string_view(data, static_cast<size_t>(size)) : absl::string_view();
}

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_BIO_H_
