// A run in miniature for the tests: a plan, three hospitals, a coordinator, a software platform,
// and a policy that trusts them. Everything but the platform's keys follows from a seed.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_TESTING_WORLD_H_
#define SEALFOLD_PARTICIPANT_CLIENT_TESTING_WORLD_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/software/server/softnsm.h"
#include "participant-client/memory/memory.h"
#include "participant-client/policy/policy.h"
#include "protocol/crypto/hpke.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::testing_world {

inline constexpr uint64_t kNowMs = 1'790'000'000'000;  // the time in every test without a clock

// 32 bytes that follow from `seed` and `label`.
Secret SeedOf(uint64_t seed, absl::string_view label);

struct World {
  explicit World(uint64_t seed = 1, uint64_t time_ms = kNowMs);

  // The plan that the run is under, signed anew after `change`.
  void ChangePlan(const std::function<void(Plan&)>& change);
  // A document of the platform for a program that measures `measurement`.
  Bytes Evidence(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key,
                 const Measurement& measured, uint64_t at_ms);
  Bytes Evidence(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key,
                 const Measurement& measured) {
    return Evidence(nonce, user_data, public_key, measured, now_ms);
  }
  const SigningKey& me() const { return keys[0]; }
  Memory EmptyMemory() const {
    return {.plan = plan.digest, .participant = me().public_key(), .seen = {}, .entered = {}};
  }
  // The policy as its JSON, with a root path of "root.pem".
  std::string PolicyJson() const;

  const uint64_t now_ms;
  TempDir folder;
  SigningKey coordinator;
  std::optional<SigningKey> identity;  // of the aggregators; none: they keep no state
  std::vector<SigningKey> keys;        // of the plan's participants
  std::vector<HpkeKeyPair> model_keys;
  SignedPlan plan;
  Measurement measurement;  // of the accepted program
  Policy policy;
  std::unique_ptr<Softnsm> platform;
};

// The round record file of a round whose log holds an entry for each of `committed`, honest
// throughout.
struct PublishedRound {
  RecordFile file;
  Bytes bytes;
  CheckedRecord checked;
};
// `model_key`: sealed delivery, wrapped for each participant.
PublishedRound Publish(World& world, const Binding& binding, const SigningKey& record_key,
                       const std::vector<LogEntry>& log, const Digest& model,
                       const Secret* model_key = nullptr);

}  // namespace sealfold::testing_world

#endif  // SEALFOLD_PARTICIPANT_CLIENT_TESTING_WORLD_H_
