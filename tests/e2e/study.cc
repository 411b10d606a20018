#include "tests/e2e/study.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "protocol/record/record.h"
#include "tests/e2e/known_update.h"

namespace sealfold {
namespace {

const char* const kNames[] = {"alpha", "beta", "gamma"};
constexpr uint64_t kWeightMax = 64;
constexpr size_t kFileBytesMax = size_t{1} << 30;

std::vector<TensorSpec> Tensors(uint64_t elements) {
  return {{.name = "bulk", .dtype = Dtype::kF32, .shape = {elements - 5}},
          {.name = "tail", .dtype = Dtype::kF32, .shape = {5}}};
}

// round(w * x / step), ties to even, in exact integers: x is known to be a multiple of 2^-149.
int64_t Term(float x, uint64_t weight, int step_exponent) {
  int exponent = 0;
  const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 24));
  const __int128 product = static_cast<__int128>(mantissa) * static_cast<__int128>(weight);
  const int shift = exponent - 24 - step_exponent;  // product * 2^shift is the term
  if (shift >= 0) return static_cast<int64_t>(product << shift);
  if (shift < -100) return 0;
  const __int128 unit = static_cast<__int128>(1) << -shift;
  __int128 whole = product / unit;
  __int128 rest = product % unit;
  if (rest < 0) {
    rest += unit;
    whole -= 1;
  }
  if (2 * rest > unit || (2 * rest == unit && (whole & 1) != 0)) whole += 1;
  return static_cast<int64_t>(whole);
}

}  // namespace

KnownStudy::KnownStudy(const KnownStudySetup& setup) : setup_(setup) {
  const std::vector<TensorSpec> tensors = Tensors(setup.elements);
  std::ofstream model(directory_.Path("initial.safetensors"), std::ios::binary);
  const Bytes header = ModelFileHeader(tensors);
  model.write(reinterpret_cast<const char*>(header.data()),
              static_cast<std::streamsize>(header.size()));
  model.close();
  std::filesystem::resize_file(directory_.Path("initial.safetensors"), ModelFileSizeBytes(tensors));
  absl::StatusOr<Federation> federation = Federation::Prepare(
      {.programs = SEALFOLD_PROGRAMS,
       .directory = directory_.path(),
       .participants = {kNames, kNames + kParticipants},
       .initial_model = directory_.Path("initial.safetensors"),
       .plan_json = absl::StrCat(
           R"({"name": "known", "range": 1.0, "quorum": 3, "rounds": )", setup.rounds,
           R"(, "weight_max": )", kWeightMax, R"(, "delivery": ")", setup.delivery,
           R"(", "attempts_max": )", setup.attempts_max, R"(, "chunk_bytes": )", setup.chunk_bytes,
           setup.staging_bytes_max == 0
               ? ""
               : absl::StrCat(R"(, "staging_bytes_max": )", setup.staging_bytes_max),
           setup.update_encoding.empty()
               ? ""
               : absl::StrCat(R"(, "update_encoding": )", setup.update_encoding),
           "}"),
       .policy_plan_json = absl::StrCat(R"({"attempts_max": )", setup.policy_attempts_max, "}")});
  EXPECT_TRUE(federation.ok()) << federation.status();
  if (federation.ok()) federation_ = *std::move(federation);
}

KnownStudy::~KnownStudy() {
  if (::testing::Test::HasFailure()) std::fprintf(stderr, "%s", Log().c_str());
  for (std::optional<ChildProcess>& p : participants_) p.reset();
  federation_.reset();
}

std::string KnownStudy::Log() const {
  std::string all;
  for (const auto& file : std::filesystem::directory_iterator(directory_.Path("logs"))) {
    absl::StatusOr<std::string> text = ReadFile(file.path(), kFileBytesMax);
    if (!text.ok()) continue;
    const size_t from = text->size() > 4000 ? text->size() - 4000 : 0;
    absl::StrAppend(&all, "--- ", file.path().filename().string(), "\n", text->substr(from), "\n");
  }
  return all;
}

void KnownStudy::Start() {
  ASSERT_TRUE(federation_.has_value());
  absl::Status status = federation_->StartCoordinator();
  ASSERT_TRUE(status.ok()) << status;
  status = federation_->StartAggregator();
  ASSERT_TRUE(status.ok()) << status;
  status = federation_->Launch();
  ASSERT_TRUE(status.ok()) << status;
}

void KnownStudy::Join(size_t participant) {
  if (relay_ != nullptr) federation_->set_participant_endpoint(relay_->endpoint());
  absl::StatusOr<ChildProcess> joined = federation_->Join(
      participant,
      absl::StrCat(SEALFOLD_KNOWN_TRAINER, " ", participant, setup_.zeros ? " zeros" : ""),
      /*json=*/true);
  ASSERT_TRUE(joined.ok()) << joined.status();
  participants_[participant] = *std::move(joined);
}

void KnownStudy::Finish(int restarts_max) {
  constexpr int kLineWaitMs = 20;  // for one participant, before the next is looked at
  std::array<std::string, kParticipants> outs;
  std::array<bool, kParticipants> over = {};
  bool gave_up = false;  // one is missing for good: the others would wait for it for ever
  while (!gave_up && std::find(over.begin(), over.end(), false) != over.end()) {
    for (size_t i = 0; i < kParticipants; ++i) {
      if (over[i]) continue;
      ChildProcess& participant = *participants_[i];
      if (const std::optional<std::string> line = participant.ReadLine(kLineWaitMs)) {
        absl::StrAppend(&outs[i], *line, "\n");
        continue;
      }
      if (participant.timed_out()) continue;
      const int exit_code = participant.Wait();
      if (exit_code == kExitNetwork && restarts_max-- > 0) {
        Join(i);
        continue;
      }
      EXPECT_EQ(exit_code, kExitDone) << kNames[i] << "\n" << outs[i].substr(0, 2000);
      over[i] = true;
      gave_up = gave_up || exit_code != kExitDone;
    }
  }
  if (!gave_up) return;
  for (std::optional<ChildProcess>& participant : participants_) participant->Signal(SIGKILL);
}

Bytes KnownStudy::ExpectedModel(uint64_t round) const {
  const std::vector<TensorSpec> tensors = Tensors(setup_.elements);
  const int e = static_cast<int>(std::ceil(std::log2(kKnownRange * kWeightMax)));
  const double step = std::ldexp(1.0, e - 47);
  std::vector<float> model(setup_.elements, 0.0f);
  uint64_t weight_sum = 0;
  for (uint64_t p = 0; p < kParticipants; ++p) weight_sum += KnownWeight(p);
  for (uint64_t r = 1; r <= round; ++r) {
    for (uint64_t i = 0; i < setup_.elements; ++i) {
      int64_t sum = 0;
      for (uint64_t p = 0; p < kParticipants; ++p) {
        sum += Term(KnownElement(p, r, i), KnownWeight(p), e - 47);
      }
      const double mean = static_cast<double>(sum) * step / static_cast<double>(weight_sum);
      model[i] = static_cast<float>(static_cast<double>(model[i]) + 1.0 * mean);
    }
  }
  Bytes file = ModelFileHeader(tensors);
  const size_t header = file.size();
  file.resize(header + model.size() * sizeof(float));
  std::memcpy(file.data() + header, model.data(), model.size() * sizeof(float));
  return file;
}

std::string KnownStudy::ModelPath(uint64_t round) const {
  return federation_->Path(absl::StrCat("coordinator/model-", round, ".safetensors"));
}

Bytes KnownStudy::PublishedModel(uint64_t round) const {
  absl::StatusOr<std::string> file = ReadFile(ModelPath(round), kFileBytesMax);
  EXPECT_TRUE(file.ok()) << file.status();
  return file.ok() ? ToBytes(AsBytes(*file)) : Bytes();
}

uint64_t KnownStudy::RecordedAttempt(uint64_t round) const {
  absl::StatusOr<std::string> bytes = ReadFile(
      federation_->Path(absl::StrCat("coordinator/record-", round, ".cbor")), kFileBytesMax);
  if (!bytes.ok()) return 0;
  absl::StatusOr<RecordFile> file = DecodeRecordFile(AsBytes(*bytes));
  return file.ok() ? file->binding.attempt.value() : 0;
}

int KnownStudy::Verify() const {
  std::vector<std::string> arguments = {"verify", ModelPath(setup_.rounds), "--policy",
                                        federation_->Path("policy.json")};
  for (uint64_t round = 1; round <= setup_.rounds; ++round) {
    arguments.insert(
        arguments.end(),
        {"--record", federation_->Path(absl::StrCat("coordinator/record-", round, ".cbor"))});
  }
  absl::StatusOr<ProgramResult> result = federation_->Run("sealfold-participant", arguments);
  EXPECT_TRUE(result.ok());
  if (!result.ok()) return -1;
  EXPECT_EQ(result->err, "");
  return result->exit_code;
}

void KnownStudy::ExpectRightModels() const {
  for (uint64_t round = 1; round <= setup_.rounds; ++round) {
    EXPECT_TRUE(PublishedModel(round) == ExpectedModel(round)) << "round " << round;
  }
  EXPECT_EQ(Verify(), kExitDone);
}

}  // namespace sealfold
