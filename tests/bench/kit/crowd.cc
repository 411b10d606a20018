#include "tests/bench/kit/crowd.h"

#include <barrier>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/x509/chain_cache.h"
#include "participant-client/client/client.h"
#include "participant-client/net/zmq_link.h"
#include "participant-client/policy/policy.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/open_files.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kElements = 4096;  // 16 KiB: one chunk
constexpr uint64_t kWeight = 100;
constexpr auto kLook = std::chrono::milliseconds(1);

}  // namespace

Crowd::Crowd(size_t participants) {
  RaiseOpenFiles();
  for (size_t i = 0; i < participants; ++i) {
    keys_.push_back({.role = KeyRole::kParticipant,
                     .signing_seed = RandomSecret(SigningKey::kSeedSize),
                     .model_seed = RandomSecret(kHpkeSeedSize)});
  }
}

absl::Status Crowd::WriteModels() {
  if (!update_.empty()) return absl::OkStatus();
  const std::vector<TensorSpec> tensors = {
      {.name = "small", .dtype = Dtype::kF32, .shape = {kElements}}};
  std::string file(AsText(ModelFileHeader(tensors)));
  file.resize(ModelFileSizeBytes(tensors));
  initial_ = directory_.Path("initial.safetensors");
  update_ = directory_.Path("update.safetensors");
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(initial_, file));
  return WriteFileAtomic(update_, file);
}

absl::StatusOr<Federation> Crowd::Prepare() const {
  const std::string folder = directory_.Path("round");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  nlohmann::json plan = {{"name", "crowd"},
                         {"rounds", 1},
                         {"range", 1.0},
                         {"weight_max", kWeight},
                         {"quorum", keys_.size()}};
  for (size_t i = 0; i < keys_.size(); ++i) {
    const PublicKeyFile key = PublicPart(keys_[i], absl::StrCat("p", i));
    plan["participants"].push_back(
        {{"name", key.name}, {"key", key.key.hex()}, {"model_key", key.model_key->hex()}});
  }
  return Federation::Prepare({.programs = SEALFOLD_PROGRAMS,
                              .directory = folder,
                              .participants = {},
                              .initial_model = initial_,
                              .plan_json = plan.dump()});
}

absl::StatusOr<CrowdFacts> Crowd::Once() {
  SEALFOLD_RETURN_IF_ERROR(WriteModels());
  SEALFOLD_ASSIGN_OR_RETURN(Federation federation, Prepare());
  SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
  SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator());
  SEALFOLD_RETURN_IF_ERROR(federation.Launch());
  SEALFOLD_ASSIGN_OR_RETURN(const Policy policy, LoadPolicy(federation.Path("policy.json")));

  // One machine's process learns its certificates once; hospitals of their own would each.
  const auto chains = std::make_shared<ChainCache>();
  CrowdFacts facts{.seconds = 0, .receipt_seconds = std::vector<double>(keys_.size())};
  std::vector<absl::Status> statuses(keys_.size());
  std::barrier all_open(static_cast<std::ptrdiff_t>(keys_.size() + 1));
  double start = 0;  // written before the second barrier
  std::vector<std::thread> threads;
  for (size_t i = 0; i < keys_.size(); ++i) {
    threads.emplace_back([&, i] {
      absl::StatusOr<std::unique_ptr<Client>> client =
          Client::Open({.policy = policy,
                        .key = keys_[i].signing_key(),
                        .model_key = keys_[i].model_key(),
                        .state_dir = federation.Path(absl::StrCat("state-", i)),
                        .connect = [&federation] { return ConnectZmq(federation.endpoint()); },
                        .chains = chains});
      statuses[i] = client.status();
      all_open.arrive_and_wait();
      all_open.arrive_and_wait();
      if (!client.ok()) return;
      statuses[i] = (*client)->Submit(update_, kWeight).status();
      facts.receipt_seconds[i] = NowSeconds(Clock::kWall) - start;
    });
  }
  all_open.arrive_and_wait();
  start = NowSeconds(Clock::kWall);
  all_open.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) SEALFOLD_RETURN_IF_ERROR(status);
  while (!std::filesystem::exists(federation.Path("coordinator/record-1.cbor"))) {
    std::this_thread::sleep_for(kLook);
  }
  facts.seconds = NowSeconds(Clock::kWall) - start;
  return facts;
}

}  // namespace sealfold::bench
