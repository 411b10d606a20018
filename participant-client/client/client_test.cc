#include "participant-client/client/client.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "attest/x509/chain_cache.h"
#include "participant-client/join/join.h"
#include "participant-client/memory/memory_store.h"
#include "participant-client/testing/simulated_host.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/model/element.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "protocol/program/steady_clock.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

using testing_world::SimulatedAggregator;
using testing_world::SimulatedHost;
using testing_world::World;

std::string Content(const std::string& path) { return *ReadFile(path, 1 << 20); }

// Says nothing more once `silent`.
class FallingSilent final : public Link {
 public:
  FallingSilent(std::unique_ptr<Link> link, const bool& silent)
      : link_(std::move(link)), silent_(silent) {}
  absl::Status Send(const Message& message) override { return link_->Send(message); }
  absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) override {
    SEALFOLD_ASSIGN_OR_RETURN(std::optional<Message> message, link_->Receive(timeout_ms));
    return silent_ ? std::nullopt : std::move(message);
  }

 private:
  std::unique_ptr<Link> link_;
  const bool& silent_;
};

class ClientTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Client>> Open(LinkFactory connect) {
    return Client::Open({.policy = world_.policy,
                         .key = SigningKey::FromSeed(testing_world::SeedOf(1, "north signing")),
                         .model_key = HpkeKeyPair::Derive(testing_world::SeedOf(1, "north model")),
                         .state_dir = folder_.Path("state"),
                         .connect = std::move(connect),
                         .patience = {.quiet_ms = 1, .give_up_ms = 200, .absent_ms = 100},
                         .chains = chains_});
  }
  std::unique_ptr<Client> Open() {
    auto client = Open(host_.Connect());
    SEALFOLD_CHECK(client.ok());
    return *std::move(client);
  }
  // An update for the plan: elements of one value, another for each round.
  absl::Status WriteUpdate(Round round, const std::string& path) {
    const auto& tensors = world_.plan.plan.tensors;
    Bytes bytes = SafetensorsHeaderBytes(tensors, {{"num_examples", "120"}});
    for (const TensorSpec& spec : tensors) {
      Bytes elements(spec.size_bytes());
      const size_t size = DtypeSizeBytes(spec.dtype);
      for (uint64_t i = 0; i < spec.elements(); ++i) {
        WriteElement(spec.dtype, static_cast<double>(round.value()) / 4, &elements[i * size]);
      }
      Append(bytes, elements);
    }
    return WriteFileAtomic(path, AsText(bytes));
  }
  Trainer MakeTrainer() {
    return [this](Round round, const std::string& model, const std::string& update) {
      ++trained_;
      EXPECT_EQ(Content(model), AsText(host_.model(round.value() - 1)));
      return WriteUpdate(round, update);
    };
  }
  std::string UpdateFile() {
    SEALFOLD_CHECK(WriteUpdate(Round(1), folder_.Path("update")).ok());
    return folder_.Path("update");
  }

  World world_{1, WallMs()};
  TempDir folder_;
  SimulatedHost host_{world_};
  std::shared_ptr<ChainCache> chains_ = std::make_shared<ChainCache>();
  int trained_ = 0;
};

TEST_F(ClientTest, AnUpdateGoesInThePlansEncoding) {
  world_.ChangePlan([](Plan& plan) {
    plan.update_encoding = UpdateEncoding{.block_elements = 64};
    plan.range = 4;
  });
  SimulatedHost host(world_);
  auto client = Open(host.Connect());
  ASSERT_TRUE(client.ok()) << client.status();
  Bytes payload;  // as committed
  host.alter_log = [&](std::vector<LogEntry>&) { payload = host.aggregator().payload(); };
  ASSERT_TRUE((*client)->Status(0).ok());  // starts the round
  const auto submission = (*client)->Submit(UpdateFile(), 5);
  ASSERT_TRUE(submission.ok()) << submission.status();
  ASSERT_EQ(payload.size(), world_.plan.plan.payload_layout().size_bytes);
  // All elements are 0.25: 127 times a scale just above 0.25 / 127.
  float scale = 0;
  std::memcpy(&scale, payload.data(), sizeof(scale));
  EXPECT_NEAR(scale, 0.25 / 127, 0.25 / 127 / 65536);
  EXPECT_GE(payload[4], 126);
  EXPECT_LE(payload[4], 127);
}

TEST_F(ClientTest, JoinTakesPartInEveryRound) {
  auto client = Open();
  std::vector<RoundReport> rounds;
  std::vector<Submission> submissions;
  JoinWatcher watcher;
  watcher.round = [&](const RoundReport& report) { rounds.push_back(report); };
  watcher.submitted = [&](const Submission& submission) { submissions.push_back(submission); };
  const absl::Status status = Join(*client, MakeTrainer(), watcher);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(rounds.size(), 3u);
  EXPECT_EQ(submissions.size(), 3u);
  EXPECT_EQ(trained_, 3);
  for (uint64_t r = 1; r <= 3; ++r) {
    EXPECT_TRUE(rounds[r - 1].included);
    const auto proof = cbor::DecodeFields<ReceiptProof>(
        AsBytes(Content(client->Path("receipt-" + std::to_string(r) + ".cbor"))));
    ASSERT_TRUE(proof.ok());
    const auto& published = host_.published()[r - 1];
    EXPECT_TRUE(
        CheckReceiptProof(*proof, published.checked, published.file.binding.record_key).ok());
    // A round's update does not lie around when the round is over.
    EXPECT_FALSE(
        std::filesystem::exists(client->Path("update-" + std::to_string(r) + ".safetensors")));
  }
  EXPECT_EQ(Content(client->Path("model-3.safetensors")), AsText(host_.model(3)));
  // Started again it finds the run over.
  client.reset();
  EXPECT_TRUE(Join(*Open(), MakeTrainer(), {}).ok());
  EXPECT_EQ(trained_, 3);
}

TEST_F(ClientTest, ASealedModelIsOpenedAndItsKeyGoesWithTheNextUpdate) {
  world_.ChangePlan([](Plan& plan) { plan.delivery = Delivery::kSealed; });
  std::vector<Bytes> keys;
  host_.before = [&](const Message& message) {
    if (*cbor::PeekType(message.head) != Chunk::kType) return;
    if (keys.empty() || keys.back() != host_.aggregator().model_key()) {
      keys.push_back(host_.aggregator().model_key());
    }
  };
  auto client = Open();
  const absl::Status status = Join(*client, MakeTrainer(), {});
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(keys.size(), 3u);
  EXPECT_TRUE(keys[0].empty());
  EXPECT_EQ(keys[1], ToBytes(testing_world::SeedOf(1, "model key").span()));
  EXPECT_EQ(keys[2], ToBytes(testing_world::SeedOf(2, "model key").span()));
  EXPECT_EQ(Content(client->Path("model-3.safetensors")), AsText(host_.model(3)));
}

TEST_F(ClientTest, AnAggregatorThatComesBackIsSentTheSameUpdateAgain) {
  bool restarted = false;
  host_.before = [&](const Message& message) {
    if (restarted || *cbor::PeekType(message.head) != Chunk::kType) return;
    restarted = true;
    host_.RestartAggregator();
  };
  std::vector<Submission> submissions;
  JoinWatcher watcher;
  watcher.submitted = [&](const Submission& submission) { submissions.push_back(submission); };
  const absl::Status status = Join(*Open(), MakeTrainer(), watcher);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(submissions.size(), 3u);
  EXPECT_EQ(submissions[0].entry.attempt, Attempt(2));
  EXPECT_EQ(trained_, 3);
}

// Every message that a process of `join` sends may be its last; the next process goes on.
TEST_F(ClientTest, AnUpdateThatIsWrittenToBetweenAttemptsIsNotSentAgain) {
  const std::string path = UpdateFile();
  bool restarted = false;
  int chunks = 0;  // sent after the restart
  host_.before = [&](const Message& message) {
    if (*cbor::PeekType(message.head) != Chunk::kType) return;
    if (restarted) ++chunks;
    if (restarted) return;
    restarted = true;
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(-4, std::ios::end);
    file.write("\0\0\0\0", 4);
    file.close();
    std::filesystem::last_write_time(
        path, std::filesystem::last_write_time(path) + std::chrono::seconds(1));
    host_.RestartAggregator();
  };
  auto client = Open();
  ASSERT_TRUE(client->Status(0).ok());  // starts the round
  EXPECT_EQ(ErrorCode(client->Submit(path, 5).status()), "offer_update_changed");
  ASSERT_TRUE(restarted);
  EXPECT_LE(chunks, 1) << "none but what was under way";
  EXPECT_EQ(client->memory().entered->attempt, Attempt(1));
}

TEST_F(ClientTest, JoinGoesOnAfterAProcessThatEndedAtAnyMessage) {
  class EndingLink : public Link {
   public:
    EndingLink(std::unique_ptr<Link> link, int& left) : link_(std::move(link)), left_(left) {}
    absl::Status Send(const Message& message) override {
      if (left_-- <= 0) return PeerError({.code = "process_ended", .what = "a test"});
      return link_->Send(message);
    }
    absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) override {
      return link_->Receive(timeout_ms);
    }

   private:
    std::unique_ptr<Link> link_;
    int& left_;
  };
  int processes = 0;
  absl::Status status;
  do {
    ASSERT_LT(++processes, 200);
    int left = 3 + processes % 7;
    auto client = Open([&]() -> absl::StatusOr<std::unique_ptr<Link>> {
      SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, host_.Connect()());
      return std::make_unique<EndingLink>(std::move(link), left);
    });
    if (!client.ok()) {
      status = client.status();
      continue;
    }
    status = Join(**client, MakeTrainer(), {});
  } while (ErrorCode(status) == "process_ended");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_GT(processes, 3);
  EXPECT_EQ(trained_, 3);  // never twice for one round
  EXPECT_EQ(host_.published().size(), 3u);
}

TEST_F(ClientTest, APlanWeakerThanThePolicyIsRefusedWhenOpening) {
  world_.policy.plan.quorum_min = 4;
  auto client = Open(host_.Connect());
  EXPECT_EQ(ErrorCode(client.status()), "plan_quorum");
  EXPECT_EQ(client.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(ClientTest, AnUntrustedAggregatorIsFoundOutBeforeTraining) {
  host_.prepare_aggregator = [](SimulatedAggregator& aggregator) {
    aggregator.measurement = Measurement();
    aggregator.measurement.mutable_span()[0] = 1;
  };
  CheckList told;
  JoinWatcher watcher;
  watcher.checks = [&](const CheckList& checks) { told = checks; };
  const absl::Status status = Join(*Open(), MakeTrainer(), watcher);
  EXPECT_EQ(ErrorCode(status), "evidence_registers");
  EXPECT_EQ(trained_, 0);
  EXPECT_FALSE(told.passed());
  EXPECT_FALSE(told.caveat().empty());
}

TEST_F(ClientTest, AnAggregatorThatBeganAnewIsTold) {
  std::vector<std::optional<SigningPublicKey>> identities;
  std::vector<bool> changed;
  JoinWatcher watcher;
  watcher.round = [&](const RoundReport& report) {
    identities.push_back(report.record.identity);
    changed.push_back(report.identity_changed);
    if (report.record.record.round == Round(2)) world_.identity.reset();
  };
  const auto trainer = [&](Round round, const std::string& model, const std::string& update) {
    if (round == Round(2)) {
      world_.identity = SigningKey::FromSeed(testing_world::SeedOf(2, "identity"));
    }
    return MakeTrainer()(round, model, update);
  };
  const SigningPublicKey first = world_.identity->public_key();
  const absl::Status status = Join(*Open(), trainer, watcher);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(identities.size(), 3u);
  EXPECT_EQ(identities[0], first);
  EXPECT_NE(identities[1], first);
  EXPECT_EQ(identities[2], std::nullopt);
  EXPECT_EQ(changed, (std::vector<bool>{false, true, true}));
}

TEST_F(ClientTest, AnAggregatorOfAnEarlierRunIsTold) {
  std::vector<bool> known;
  JoinWatcher watcher;
  watcher.round = [&](const RoundReport& report) {
    known.push_back(report.identity_of_earlier_run);
  };
  {
    const auto before = MemoryStore::Open(folder_.Path("state"), Sha256(AsBytes("an earlier plan")),
                                          world_.me().public_key());
    ASSERT_TRUE(before.ok()) << before.status();
    Memory memory = (*before)->memory();
    memory.seen = SeenRecord{
        .round = Round(9), .record = {}, .model = {}, .identity = world_.identity->public_key()};
    ASSERT_TRUE((*before)->Save(memory).ok());
  }
  const absl::Status status = Join(*Open(), MakeTrainer(), watcher);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(known, (std::vector<bool>{true, false, false}));
}

TEST_F(ClientTest, APolicyWithAnIdentityEndsWhereItDoes) {
  world_.policy.identities = {world_.identity->public_key()};
  const auto trainer = [&](Round round, const std::string& model, const std::string& update) {
    if (round == Round(2)) world_.identity.reset();
    return MakeTrainer()(round, model, update);
  };
  auto client = Open();
  EXPECT_EQ(ErrorCode(Join(*client, trainer, {})), "identity_not_accepted");
  EXPECT_EQ(client->memory().seen->identity, world_.policy.identities[0]);
  EXPECT_EQ(client->memory().round_next(), Round(2));
  EXPECT_EQ(client->memory().entered->round, Round(1));
}

TEST_F(ClientTest, CertificatesThatWereFoundRightAreKnownFromThenOn) {
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Attest()->passed());
  EXPECT_EQ(chains_->hits(), 0u);
  const size_t size = chains_->size();
  EXPECT_GT(size, 0u);
  // By the offer that an update goes to, and by the round's record; then by another client that
  // shares them.
  uint64_t hits = 0;
  const auto more = [&] { return chains_->hits() > std::exchange(hits, chains_->hits()); };
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  EXPECT_TRUE(more());
  ASSERT_TRUE(client->NextRecord().ok());
  EXPECT_TRUE(more());
  client.reset();
  client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Attest()->passed());
  EXPECT_TRUE(more());
  EXPECT_EQ(chains_->size(), size);
  // What was found right is not what is accepted.
  client.reset();
  world_.policy.evidence.root_pem = World(2).policy.evidence.root_pem;
  EXPECT_EQ(ErrorCode(Open()->Attest()->status()), "evidence_chain");
  EXPECT_EQ(chains_->size(), size);
}

TEST_F(ClientTest, ADamagedRecordIsRefusedAndNotRemembered) {
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  const size_t size = host_.published()[0].bytes.size();
  for (size_t at = 5; at < size; at += 97) {
    host_.alter_record = [at](Bytes& record) { record[at] ^= 4; };
    EXPECT_FALSE(client->NextRecord().ok()) << "byte " << at;
    ASSERT_FALSE(client->memory().seen.has_value());
  }
  host_.alter_record = nullptr;
  EXPECT_TRUE(client->NextRecord().ok());
}

TEST_F(ClientTest, WhatWasDamagedOnTheWayIsFetchedAnewAFewTimes) {
  int damaged = 2;
  const auto damage = [&](Bytes& file) {
    if (damaged-- > 0) file[file.size() / 2] ^= 1;
  };
  host_.alter_record = damage;
  host_.alter_model = damage;
  auto client = Open();
  EXPECT_TRUE(client->BaseModel().ok());
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  damaged = 2;
  EXPECT_TRUE(client->NextRecord().ok());
  EXPECT_LE(damaged, 0);
}

// The record does not sign the copies of its model's key that lie beside it.
TEST_F(ClientTest, AModelKeyThatCameDamagedIsFetchedAnew) {
  world_.ChangePlan([](Plan& plan) { plan.delivery = Delivery::kSealed; });
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  host_.alter_record = [](Bytes& record) {
    RecordFile file = *DecodeRecordFile(record);
    for (WrappedModelKey& key : file.model_keys) key.sealed[0] ^= 1;
    record = EncodeRecordFile(file);
  };
  ASSERT_TRUE(client->NextRecord().ok());
  EXPECT_EQ(ErrorCode(client->BaseModel().status()), "seal_broken");
  host_.alter_record = nullptr;
  const auto model = client->BaseModel();
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(Content(*model), AsText(host_.model(1)));
  // What it was fetched for is kept.
  host_.alter_record = [](Bytes& record) { record.clear(); };
  ASSERT_TRUE(client->Status(0).ok());  // starts the round
  EXPECT_TRUE(client->Submit(UpdateFile(), 5).ok());
}

TEST_F(ClientTest, AHostThatShowsAnotherHistoryIsFoundOut) {
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  ASSERT_TRUE(client->CatchUp().ok());
  // The first record again in the second's place.
  const Bytes first = host_.published()[0].bytes;
  host_.alter_record = [&](Bytes& record) { record = first; };
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  EXPECT_EQ(ErrorCode(client->NextRecord().status()), "chain_round");
  EXPECT_EQ(client->memory().round_next(), Round(2));
}

TEST_F(ClientTest, AReceiptThatTheRecordDoesNotHonourIsShown) {
  host_.alter_log = [](std::vector<LogEntry>& log) { log[0].tags = Digest(); };
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  ASSERT_TRUE(client->Submit(UpdateFile(), 5).ok());
  EXPECT_EQ(ErrorCode(client->NextRecord().status()), "receipt_not_honoured");
  EXPECT_FALSE(client->last_checks().passed());
  EXPECT_FALSE(client->memory().seen.has_value());
  // The evidence of it is kept.
  EXPECT_TRUE(std::filesystem::exists(client->Path("record-1.cbor")));
}

TEST_F(ClientTest, AChangedModelIsNeverGivenItsName) {
  auto client = Open();
  host_.alter_model = [](Bytes& model) { model[model.size() / 2] ^= 1; };
  EXPECT_EQ(ErrorCode(client->BaseModel().status()), "model_digest_wrong");
  host_.alter_model = [](Bytes& model) { model.pop_back(); };
  EXPECT_EQ(ErrorCode(client->BaseModel().status()), "model_digest_wrong");
  host_.alter_model = [](Bytes& model) { model.push_back(0); };
  EXPECT_FALSE(client->BaseModel().ok());
  for (const auto& file : std::filesystem::directory_iterator(client->Path("."))) {
    EXPECT_EQ(file.path().filename().string().find("model-"), std::string::npos) << file.path();
  }
  host_.alter_model = nullptr;
  // Over a new connection: what was asked for twice may still be on its way on this one.
  client.reset();
  client = Open();
  auto model = client->BaseModel();
  ASSERT_TRUE(model.ok()) << model.status();
  // One that was changed on disk is fetched anew.
  ASSERT_TRUE(WriteFileAtomic(*model, "something else").ok());
  ASSERT_TRUE(client->BaseModel().ok());
  EXPECT_EQ(Content(*model), AsText(host_.model(0)));
}

// The aggregator answers all the while: others' updates come first.
TEST_F(ClientTest, WhoWaitsForRoomWaitsAsLongAsTheRoundMayTake) {
  world_.ChangePlan([](Plan& plan) { plan.deadline_seconds = 1; });
  SimulatedHost host(world_);
  host.prepare_aggregator = [](SimulatedAggregator& aggregator) { aggregator.credit = 0; };
  auto client = *Open(host.Connect());
  ASSERT_TRUE(client->CatchUp().ok());
  const std::string update = UpdateFile();
  const absl::Status status = client->Submit(update, 5).status();
  EXPECT_EQ(ErrorCode(status), "upload_waits");
  EXPECT_EQ(Explain(status).found, "neither for 1 s");
  // Room after a while that is longer than patience with somebody who says nothing.
  const uint64_t start_ms = SteadyMs();
  host.before = [&](const Message&) {
    if (SteadyMs() - start_ms > 400) host.aggregator().credit = 2;
  };
  const absl::Status submitted = client->Submit(update, 5).status();
  EXPECT_TRUE(submitted.ok()) << submitted;
  EXPECT_GT(SteadyMs() - start_ms, 400u);
}

TEST_F(ClientTest, WhoWaitsForRoomAndHearsNothingMoreGivesUp) {
  host_.prepare_aggregator = [](SimulatedAggregator& aggregator) { aggregator.credit = 0; };
  bool silent = false;
  auto client = *Open([&]() -> absl::StatusOr<std::unique_ptr<Link>> {
    SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Link> link, host_.Connect()());
    return std::make_unique<FallingSilent>(std::move(link), silent);
  });
  ASSERT_TRUE(client->CatchUp().ok());
  host_.before = [&](const Message& message) {
    silent = cbor::PeekType(message.head).value_or("") == Query::kType;
  };
  EXPECT_EQ(ErrorCode(client->Submit(UpdateFile(), 5).status()), "peer_silent");
}

TEST_F(ClientTest, AnAggregatorThatIsNotThereIsWaitedForOnlySoLong) {
  auto client = Open();
  ASSERT_TRUE(client->CatchUp().ok());
  host_.aggregator_absent = true;
  EXPECT_EQ(ErrorCode(client->Submit(UpdateFile(), 5).status()), "aggregator_absent");
  EXPECT_EQ(ErrorCode(client->Attest().status()), "aggregator_absent");
  host_.aggregator_absent = false;
  EXPECT_TRUE(client->Submit(UpdateFile(), 5).ok());
}

}  // namespace
}  // namespace sealfold
