#include "participant-client/net/silence.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Says what it is told to, one answer after the other.
class ScriptedLink final : public Link {
 public:
  explicit ScriptedLink(std::vector<bool> answers) : answers_(std::move(answers)) {}
  absl::Status Send(const Message&) override { return absl::OkStatus(); }
  absl::StatusOr<std::optional<Message>> Receive(uint64_t) override {
    SEALFOLD_CHECK(next_ < answers_.size());
    return answers_[next_++] ? std::optional<Message>(Message{}) : std::nullopt;
  }

 private:
  const std::vector<bool> answers_;
  size_t next_ = 0;
};

// How often it was told after each answer.
std::vector<int> Told(const std::vector<bool>& answers, uint64_t after_ms) {
  int told = 0;
  const auto make = [&]() -> absl::StatusOr<std::unique_ptr<Link>> {
    return std::make_unique<ScriptedLink>(answers);
  };
  std::unique_ptr<Link> link = TellingSilence(make, after_ms, [&] { ++told; })().value();
  std::vector<int> out;
  for (const bool answer : answers) {
    EXPECT_EQ(link->Receive(0).value().has_value(), answer);
    out.push_back(told);
  }
  return out;
}

TEST(SilenceTest, IsToldOnceUntilSomethingComes) {
  EXPECT_EQ(Told({false, false, true, true, false, false}, 0),
            (std::vector<int>{1, 1, 1, 1, 2, 2}));
}

TEST(SilenceTest, IsNotToldWhileItIsShort) {
  constexpr uint64_t kHourMs = 3'600'000;
  EXPECT_EQ(Told({false, true, false}, kHourMs), (std::vector<int>{0, 0, 0}));
}

}  // namespace
}  // namespace sealfold
