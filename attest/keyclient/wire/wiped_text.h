// Text that a secret is part of on its way into or out of a message.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_WIRE_WIPED_TEXT_H_
#define SEALFOLD_ATTEST_KEYCLIENT_WIRE_WIPED_TEXT_H_

#include <string>
#include <utility>

#include "protocol/base/secret.h"

namespace sealfold {

// Wipes the text when it goes. What a text leaves behind where it grows is not wiped: reserve
// first.
class WipedText {
 public:
  WipedText() = default;
  explicit WipedText(std::string text) : text_(std::move(text)) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text_.data()), text_.size())); }

  std::string& operator*() { return text_; }
  const std::string& operator*() const { return text_; }
  std::string* operator->() { return &text_; }
  const std::string* operator->() const { return &text_; }

 private:
  std::string text_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_WIRE_WIPED_TEXT_H_
