#include "tests/bench/kit/submitted_rounds.h"

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/idle_connections.h"
#include "tests/bench/kit/process_usage.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kWeight = 100;
constexpr auto kLook = std::chrono::milliseconds(1);

}  // namespace

// The model that the round starts from, of zeros, and the update that everyone sends.
absl::Status SubmittedRounds::WriteModels() {
  if (!update_.empty()) return absl::OkStatus();
  const std::vector<TensorSpec> tensors = {
      {.name = "bulk", .dtype = Dtype::kF32, .shape = {shape_.elements}}};
  std::string file(AsText(ModelFileHeader(tensors)));
  const size_t header = file.size();
  file.resize(ModelFileSizeBytes(tensors));
  initial_ = Path("initial.safetensors");
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(initial_, file));
  auto* elements = reinterpret_cast<float*>(file.data() + header);
  for (uint64_t i = 0; i < shape_.elements; ++i) {
    elements[i] = static_cast<float>(i * 2654435761U % 2'000'001) / 1'000'000.0F - 1.0F;
  }
  update_ = Path("update.safetensors");
  return WriteFileAtomic(update_, file);
}

absl::StatusOr<Federation> SubmittedRounds::Prepare() {
  const std::string folder = Path("round");
  std::filesystem::remove_all(folder);
  std::filesystem::create_directory(folder);
  FederationSetup setup{
      .programs = SEALFOLD_PROGRAMS,
      .directory = folder,
      .participants = {},
      .initial_model = initial_,
      .plan_json = absl::StrCat(
          R"({"name": "bench", "rounds": 1, "range": 1.0, )", R"("weight_max": )", kWeight,
          shape_.staged_bytes == 0
              ? std::string()
              : absl::StrCat(R"(, "staging_bytes_max": )", shape_.staged_bytes),
          "}")};
  for (size_t i = 0; i < shape_.participants; ++i) {
    setup.participants.push_back(absl::StrCat("p", i));
  }
  return Federation::Prepare(setup);
}

absl::Status SubmittedRounds::SubmitAll(Federation& federation) {
  std::vector<ChildProcess> submits;
  for (size_t i = 0; i < shape_.participants; ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(ChildProcess submit, federation.Submit(i, update_, kWeight));
    submits.push_back(std::move(submit));
  }
  for (ChildProcess& submit : submits) {
    std::string out;
    std::string err;
    submit.ReadAll(out, err);
    if (submit.Wait() != kExitDone) {
      return PeerError({.code = "submit_failed", .what = "submit", .found = out + err});
    }
  }
  while (!std::filesystem::exists(federation.Path("coordinator/record-1.cbor"))) {
    std::this_thread::sleep_for(kLook);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::unique_ptr<Link>>> SubmittedRounds::OpenIdle(
    Federation& federation, RoundFacts& facts) const {
  if (shape_.idle_connections == 0) return std::vector<std::unique_ptr<Link>>();
  const pid_t coordinator = federation.coordinator().pid();
  facts.coordinator_bytes = ResidentBytes(coordinator);
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<std::unique_ptr<Link>> links,
                            OpenIdleConnections(federation.endpoint(), shape_.idle_connections));
  facts.idle_bytes = ResidentBytes(coordinator) - facts.coordinator_bytes;
  const double before = CpuSeconds(coordinator);
  std::this_thread::sleep_for(std::chrono::duration<double>(shape_.idle_seconds));
  facts.idle_cpu_share = (CpuSeconds(coordinator) - before) / shape_.idle_seconds;
  return links;
}

absl::StatusOr<RoundFacts> SubmittedRounds::Once() {
  SEALFOLD_RETURN_IF_ERROR(WriteModels());
  SEALFOLD_ASSIGN_OR_RETURN(Federation federation, Prepare());
  SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
  SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator());
  SEALFOLD_RETURN_IF_ERROR(federation.Launch());
  const auto cpu_seconds = [&] {
    return EndedChildrenCpuSeconds() + CpuSeconds(federation.coordinator().pid()) +
           CpuSeconds(federation.aggregator().pid());
  };

  RoundFacts facts;
  SEALFOLD_ASSIGN_OR_RETURN(const auto idle, OpenIdle(federation, facts));
  const double cpu_before = cpu_seconds();
  const double start = NowSeconds(Clock::kWall);
  SEALFOLD_RETURN_IF_ERROR(SubmitAll(federation));
  facts.seconds = NowSeconds(Clock::kWall) - start;
  facts.cpu_seconds = cpu_seconds() - cpu_before;
  facts.aggregator_peak_bytes = PeakBytes(federation.aggregator().pid());
  return facts;
}

}  // namespace sealfold::bench
