#include "participant-client/net/silence.h"

#include <utility>

#include "protocol/base/error.h"
#include "protocol/program/steady_clock.h"

namespace sealfold {
namespace {

class TellingLink final : public Link {
 public:
  TellingLink(std::unique_ptr<Link> link, uint64_t after_ms, std::function<void()> tell)
      : link_(std::move(link)), after_ms_(after_ms), tell_(std::move(tell)) {}

  absl::Status Send(const Message& message) override { return link_->Send(message); }

  absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) override {
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message, link_->Receive(timeout_ms));
    const uint64_t now = SteadyMs();
    if (message.has_value()) {
      heard_ms_ = now;
      told_ = false;
    } else if (!told_ && now - heard_ms_ >= after_ms_) {
      told_ = true;
      tell_();
    }
    return message;
  }

 private:
  const std::unique_ptr<Link> link_;
  const uint64_t after_ms_;
  const std::function<void()> tell_;
  uint64_t heard_ms_ = SteadyMs();
  bool told_ = false;
};

}  // namespace

LinkFactory TellingSilence(LinkFactory make, uint64_t after_ms, std::function<void()> tell) {
  return [make = std::move(make), after_ms,
          tell = std::move(tell)]() -> absl::StatusOr<std::unique_ptr<Link>> {
    SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, make());
    return std::make_unique<TellingLink>(std::move(link), after_ms, tell);
  };
}

}  // namespace sealfold
