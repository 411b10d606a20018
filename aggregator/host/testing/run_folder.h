// A run's folder in a temporary place, and an aggregator's side of a round, for tests.
#ifndef SEALFOLD_AGGREGATOR_HOST_TESTING_RUN_FOLDER_H_
#define SEALFOLD_AGGREGATOR_HOST_TESTING_RUN_FOLDER_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "aggregator/host/run/run_store.h"
#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"
#include "protocol/model/tensor.h"
#include "protocol/program/program.h"
#include "protocol/record/record.h"
#include "protocol/testing/examples.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::testing {

// A model file of `plan` as round `round` publishes it; each round's differs.
inline Bytes ModelBytes(const Plan& plan, uint64_t round) {
  Bytes bytes = ModelFileHeader(plan.tensors);
  bytes.resize(ModelFileSizeBytes(plan.tensors), static_cast<uint8_t>(round));
  return bytes;
}

class RunFolder {
 public:
  explicit RunFolder(Plan plan = ExamplePlan()) {
    const Bytes model = ModelBytes(plan, 0);
    plan.initial_model = Sha256(model);
    plan_ = SignPlan(plan, CoordinatorKey());
    Write("plan.cose", plan_.bytes);
    Write("model-0.safetensors", model);
  }

  const std::string& path() const { return folder_.path(); }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  bool Has(const std::string& name) const { return std::filesystem::exists(Path(name)); }
  std::string Read(const std::string& name) const {
    return ReadFile(Path(name), 64u << 20).value_or("unreadable");
  }
  void Write(const std::string& name, ByteSpan bytes) const {
    ASSERT_TRUE(WriteFileAtomic(Path(name), AsText(bytes)).ok());
  }
  const SignedPlan& plan() const { return plan_; }

  std::unique_ptr<RunStore> Open() const {
    absl::StatusOr<std::unique_ptr<RunStore>> store = RunStore::Open(path());
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // The record file of a round as an aggregator makes it; `previous` is the record file of the
  // round before. Evidence is not the host's matter.
  Bytes RecordBytes(uint64_t round, uint64_t attempt, const std::optional<Bytes>& previous) const {
    const SigningKey key = SigningKey::FromSeed(SeedOf(50));
    RecordFile file;
    file.plan = plan_.bytes;
    file.platform = "aws-nitro";
    RoundRecord record;
    record.plan = plan_.digest;
    record.round = Round(round);
    record.attempt = Attempt(attempt);
    record.base_model = Sha256(ModelBytes(plan_.plan, round - 1));
    record.model = Sha256(ModelBytes(plan_.plan, round));
    if (previous.has_value()) record.previous_record = Sha256(DecodeRecordFile(*previous)->record);
    MerkleLog log;
    for (uint8_t i = 0; i < 3; ++i) {
      LogEntry& entry = file.log.emplace_back();
      entry.plan = plan_.digest;
      entry.round = record.round;
      entry.attempt = record.attempt;
      entry.participant = ParticipantKey(i).public_key();
      entry.index = i;
      log.Append(LogLeaf(entry));
    }
    record.updates = 3;
    record.weight_sum = 100;
    record.log_root = log.Root();
    file.binding = {.plan = plan_.digest,
                    .round = record.round,
                    .attempt = record.attempt,
                    .record_key = key.public_key(),
                    .previous_record = record.previous_record,
                    .base_model = record.base_model};
    file.record = SignRecord(record, key);
    return EncodeRecordFile(file);
  }

 private:
  TempDir folder_;
  SignedPlan plan_;
};

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_HOST_TESTING_RUN_FOLDER_H_
