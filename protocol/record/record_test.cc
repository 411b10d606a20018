#include "protocol/record/record.h"

#include <gtest/gtest.h>

#include <functional>

#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::CoordinatorKey;
using testing::ExamplePlan;
using testing::ParticipantKey;
using testing::SeedOf;

struct Made {
  RoundRecord record;
  RecordFile file;
};

class RecordTest : public ::testing::Test {
 protected:
  // A round's record file as an aggregator makes it (its evidence is checked elsewhere), after
  // `change`.
  Made Make(
      uint64_t round, const CheckedRecord* previous,
      const std::function<void(Made&)>& change = [](Made&) {}) const {
    Made made;
    RecordFile& file = made.file;
    RoundRecord& record = made.record;
    file.plan = plan_.bytes;
    file.platform = "aws-nitro";
    record.plan = plan_.digest;
    record.round = Round(round);
    record.attempt = Attempt(1);
    record.base_model = plan_.plan.initial_model;
    if (previous != nullptr) {
      record.previous_record = previous->digest;
      record.base_model = previous->record.model;
    }
    record.model = Sha256(AsBytes(absl::StrCat("model ", round)));
    record.weight_sum = 100;
    MerkleLog log;
    for (uint8_t i = 0; i < 3; ++i) {
      LogEntry entry{.plan = plan_.digest,
                     .round = record.round,
                     .attempt = record.attempt,
                     .participant = ParticipantKey(i).public_key(),
                     .index = i,
                     .header = Sha256(AsBytes("header")),
                     .tags = Sha256(AsBytes("tags"))};
      log.Append(LogLeaf(entry));
      file.log.push_back(entry);
    }
    record.updates = 3;
    record.log_root = log.Root();
    file.binding = {.plan = plan_.digest,
                    .round = record.round,
                    .attempt = record.attempt,
                    .record_key = key_.public_key(),
                    .previous_record = record.previous_record,
                    .base_model = record.base_model};
    record.identity = SignIdentity(identity_, file.binding);
    change(made);
    file.record = SignRecord(record, key_);
    return made;
  }

  SignedPlan plan_ = SignPlan(ExamplePlan(), CoordinatorKey());
  SigningKey key_ = SigningKey::FromSeed(SeedOf(50));
  SigningKey identity_ = SigningKey::FromSeed(IdentitySeed(SeedOf(51).span()));
};

TEST_F(RecordTest, AChainOfThreeRoundsHolds) {
  absl::StatusOr<CheckedRecord> previous;
  for (uint64_t round = 1; round <= 3; ++round) {
    Made made = Make(round, round == 1 ? nullptr : &*previous);
    absl::StatusOr<RecordFile> file = DecodeRecordFile(EncodeRecordFile(made.file));
    ASSERT_TRUE(file.ok()) << file.status();
    absl::StatusOr<CheckedRecord> checked = CheckRecordFile(*file);
    ASSERT_TRUE(checked.ok()) << checked.status();
    EXPECT_TRUE(CheckRecordChain(round == 1 ? nullptr : &*previous, *checked).ok());
    previous = std::move(checked);
  }
}

TEST_F(RecordTest, ABrokenChainIsNamed) {
  CheckedRecord first = *CheckRecordFile(Make(1, nullptr).file);
  CheckedRecord second = *CheckRecordFile(Make(2, &first).file);
  EXPECT_EQ(ErrorCode(CheckRecordChain(nullptr, second)), "chain_round");
  EXPECT_EQ(ErrorCode(CheckRecordChain(&second, second)), "chain_round");
  CheckedRecord other =
      *CheckRecordFile(Make(1, nullptr, [](Made& m) { m.record.weight_sum = 99; }).file);
  EXPECT_EQ(ErrorCode(CheckRecordChain(&other, second)), "chain_previous");
  CheckedRecord of_another_plan = first;
  of_another_plan.plan.digest = Sha256(AsBytes("another plan"));
  EXPECT_EQ(ErrorCode(CheckRecordChain(&of_another_plan, second)), "chain_plan");
  CheckedRecord rebased = second;
  rebased.record.base_model = Digest();
  EXPECT_EQ(ErrorCode(CheckRecordChain(&first, rebased)), "chain_base");
}

TEST_F(RecordTest, EachInconsistencyIsNamed) {
  const std::vector<std::pair<std::string, std::function<void(Made&)>>> kBreaks = {
      {"record_signer",
       [](Made& m) { m.file.binding.record_key = ParticipantKey(0).public_key(); }},
      {"record_protocol", [](Made& m) { m.file.binding.protocol = 2; }},
      {"record_plan", [](Made& m) { m.record.plan = Digest(); }},
      {"record_plan", [](Made& m) { m.file.binding.plan = Digest(); }},
      {"record_suite", [](Made& m) { m.file.binding.suite = Suite::kX25519ChaCha20Poly1305; }},
      {"record_round", [](Made& m) { m.file.binding.round = Round(2); }},
      {"record_round", [](Made& m) { m.record.round = m.file.binding.round = Round(4); }},
      {"record_attempt", [](Made& m) { m.file.binding.attempt = Attempt(2); }},
      {"record_attempt", [](Made& m) { m.record.attempt = m.file.binding.attempt = Attempt(9); }},
      {"record_previous", [](Made& m) { m.file.binding.previous_record = Digest(); }},
      {"record_base", [](Made& m) { m.file.binding.base_model = Sha256({}); }},
      // Taken from an aggregator with other keys.
      {"identity_wrong",
       [this](Made& m) {
         Binding other = m.file.binding;
         other.record_key = ParticipantKey(0).public_key();
         m.record.identity = SignIdentity(identity_, other);
       }},
      {"identity_wrong", [](Made& m) { m.record.identity = Bytes(); }},
      {"identity_wrong", [](Made& m) { m.record.identity->back() ^= 1; }},
      {"record_quorum", [](Made& m) { m.record.updates = 2; }},
      {"record_weight", [](Made& m) { m.record.weight_sum = 2; }},
      {"record_weight", [](Made& m) { m.record.weight_sum = 3001; }},
      {"record_delivery", [](Made& m) { m.record.model_key_commitment = Digest(); }},
      {"record_log_plan", [](Made& m) { m.file.log[1].plan = Digest(); }},
      {"record_log_round", [](Made& m) { m.file.log[1].round = Round(3); }},
      {"record_log_attempt", [](Made& m) { m.file.log[1].attempt = Attempt(3); }},
      {"record_log_index", [](Made& m) { m.file.log[1].index = 2; }},
      {"record_log_participant",
       [](Made& m) { m.file.log[1].participant = m.file.log[0].participant; }},
      {"record_log_participant",
       [](Made& m) { m.file.log[1].participant = ParticipantKey(9).public_key(); }},
      {"record_log_size", [](Made& m) { m.file.log.pop_back(); }},
      {"record_log_root", [](Made& m) { m.file.log[1].tags = Digest(); }},
      {"record_log_root", [](Made& m) { m.record.log_root = Digest(); }},
  };
  for (const auto& [code, change] : kBreaks) {
    EXPECT_EQ(ErrorCode(CheckRecordFile(Make(1, nullptr, change).file).status()), code);
  }
}

TEST_F(RecordTest, AnIdentityIsThatOfWhoSignedItsClaim) {
  EXPECT_EQ(CheckRecordFile(Make(1, nullptr).file)->identity, identity_.public_key());
  const auto without = [](Made& m) { m.record.identity.reset(); };
  EXPECT_EQ(CheckRecordFile(Make(1, nullptr, without).file)->identity, std::nullopt);
}

// Whoever signs the record anew, as an aggregator with its own keys can, is not helped by what the
// claim's bytes were: each of them counts by itself.
TEST_F(RecordTest, EveryFlippedByteOfAClaimIsRefused) {
  const size_t size = Make(1, nullptr).record.identity->size();
  for (size_t i = 0; i < size; ++i) {
    const auto flip = [i](Made& m) { (*m.record.identity)[i] ^= 0x01; };
    EXPECT_EQ(ErrorCode(CheckRecordFile(Make(1, nullptr, flip).file).status()), "identity_wrong")
        << i;
  }
}

TEST_F(RecordTest, EveryFlippedByteOfPlanRecordOrLogIsRefused) {
  // Without an identity, whose claim would cover hpke_key too.
  const Bytes bytes =
      EncodeRecordFile(Make(1, nullptr, [](Made& m) { m.record.identity.reset(); }).file);
  size_t harmless = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(DecodeRecordFile(ByteSpan(bytes).first(i)).ok()) << i;
    Bytes flipped = bytes;
    flipped[i] ^= 0x01;
    absl::StatusOr<RecordFile> file = DecodeRecordFile(flipped);
    if (!file.ok() || !CheckRecordFile(*file).ok()) continue;
    // What is left are fields that evidence covers: hpke_key and platform.
    const RecordFile original = *DecodeRecordFile(bytes);
    EXPECT_TRUE(file->platform != original.platform ||
                file->binding.hpke_key != original.binding.hpke_key)
        << "byte " << i;
    ++harmless;
  }
  EXPECT_LE(harmless, 32u + 9u);
}

TEST_F(RecordTest, AReceiptProvesInclusion) {
  Made made = Make(1, nullptr);
  CheckedRecord checked = *CheckRecordFile(made.file);
  for (uint8_t i = 0; i < 3; ++i) {
    ReceiptProof proof{.receipt = SignReceipt(made.file.log[i], key_),
                       .path = *InclusionPath(made.file, ParticipantKey(i).public_key())};
    EXPECT_TRUE(CheckReceiptProof(proof, checked, key_.public_key()).ok());
    EXPECT_FALSE(CheckReceiptProof(proof, checked, ParticipantKey(0).public_key()).ok());
    LogEntry forged = made.file.log[i];
    forged.tags = Digest();
    proof.receipt = SignReceipt(forged, key_);
    EXPECT_EQ(ErrorCode(CheckReceiptProof(proof, checked, key_.public_key())),
              "inclusion_proof_wrong");
  }
  EXPECT_EQ(ErrorCode(InclusionPath(made.file, ParticipantKey(7).public_key()).status()),
            "receipt_absent");
}

}  // namespace
}  // namespace sealfold
