// One connection to the platform for several threads: a NitroTPM's device can be open only once.
#ifndef SEALFOLD_ATTEST_CONNECT_SHARED_ATTESTER_H_
#define SEALFOLD_ATTEST_CONNECT_SHARED_ATTESTER_H_

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "attest/attester.h"

namespace sealfold {

// Copies share the connection and may be used by a thread each; one waits while another is served.
class SharedAttester final : public Attester {
 public:
  explicit SharedAttester(std::unique_ptr<Attester> attester)
      : shared_(std::make_shared<Shared>(std::move(attester))) {}

  absl::string_view platform() const override { return shared_->attester->platform(); }
  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    return shared_->attester->Attest(nonce, user_data, public_key);
  }

 private:
  struct Shared {
    explicit Shared(std::unique_ptr<Attester> given) : attester(std::move(given)) {}
    std::mutex mutex;
    std::unique_ptr<Attester> attester;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_CONNECT_SHARED_ATTESTER_H_
