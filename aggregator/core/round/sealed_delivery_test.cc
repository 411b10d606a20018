// Sealed delivery: the host never holds a model in the clear.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::SeedOf;

class SealedDeliveryTest : public ::testing::TestWithParam<Suite> {
 protected:
  SealedDeliveryTest() {
    run.plan.delivery = Delivery::kSealed;
    run.plan.suite = GetParam();
    run.Sign();
  }
  std::vector<SampleUpdate> Updates(uint64_t seed) const {
    return {run.MakeUpdate(seed), run.MakeUpdate(seed + 1), run.MakeUpdate(seed + 2)};
  }
  // As participant `party` would, from what the host holds.
  Secret KeyOf(size_t party, const RecordFile& file, Round round) const {
    absl::StatusOr<Secret> key = UnwrapModelKey(run.signed_plan, round, file.model_keys.at(party),
                                                run.parties[party].model_key);
    SEALFOLD_CHECK(key.ok());
    return *std::move(key);
  }
  Bytes Open(ByteSpan file, const Secret& key, Round round) const {
    const SealedModel sealed(run.signed_plan, round, key.span(),
                             ModelFileSizeBytes(run.plan.tensors));
    Bytes out;
    for (uint64_t i = 0; i < sealed.chunk_count(); ++i) {
      Bytes plain(sealed.chunk_size_bytes(i));
      const ByteSpan chunk = file.first(plain.size() + kAeadTagSize);
      SEALFOLD_CHECK(sealed.OpenChunk(i, chunk, absl::MakeSpan(plain)).ok());
      file.remove_prefix(chunk.size());
      Append(out, plain);
    }
    SEALFOLD_CHECK(file.empty());
    return out;
  }
  StartRound SecondStart(const RecordFile& first) const {
    return {.plan = run.signed_plan.bytes,
            .round = Round(2),
            .attempt = Attempt(1),
            .previous = first.record};
  }

  SampleRun run = SampleRun::Make();
};

TEST_P(SealedDeliveryTest, EveryParticipantAndNoHostReadsTheModel) {
  SampleHost host(run);
  const std::vector<SampleUpdate> updates = Updates(0);
  for (size_t party = 0; party < 3; ++party) host.Upload(party, updates[party]);
  const Bytes expected = run.ExpectedModel(run.base_model, updates);
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(*host.record_file);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->record.model, Sha256(expected));
  EXPECT_EQ(host.model_file.size(), SealedModelSizeBytes(expected.size(), run.plan.chunk_bytes));
  const ByteSpan piece = ByteSpan(expected).subspan(expected.size() / 2, 32);
  EXPECT_EQ(std::search(host.model_file.begin(), host.model_file.end(), piece.begin(), piece.end()),
            host.model_file.end());
  for (size_t party = 0; party < 3; ++party) {
    const Secret key = KeyOf(party, *host.record_file, Round(1));
    EXPECT_EQ(ModelKeyCommitment(key.span()), checked->record.model_key_commitment);
    EXPECT_EQ(Open(host.model_file, key, Round(1)), expected);
  }
  EXPECT_FALSE(UnwrapModelKey(run.signed_plan, Round(1), host.record_file->model_keys[0],
                              run.parties[1].model_key)
                   .ok());
}

TEST_P(SealedDeliveryTest, TheNextRoundWithTheKeyStillThere) {
  SampleHost first(run);
  for (size_t party = 0; party < 3; ++party) first.Upload(party, Updates(0)[party]);
  const Bytes base = run.ExpectedModel(run.base_model, Updates(0));
  SampleHost second(run, {.start = SecondStart(*first.record_file),
                          .seed = SeedOf("second"),
                          .base_key = first.round->TakeModelKey(),
                          .base_file = first.model_file});
  for (size_t party = 0; party < 3; ++party) second.Upload(party, Updates(7)[party]);
  ASSERT_TRUE(second.round->over());
  const Secret key = KeyOf(1, *second.record_file, Round(2));
  EXPECT_EQ(Open(second.model_file, key, Round(2)), run.ExpectedModel(base, Updates(7)));
  const CheckedRecord before = *CheckRecordFile(*first.record_file);
  EXPECT_TRUE(CheckRecordChain(&before, *CheckRecordFile(*second.record_file)).ok());
}

TEST_P(SealedDeliveryTest, ARestartedAggregatorGetsTheKeyFromAParticipant) {
  SampleHost first(run);
  for (size_t party = 0; party < 3; ++party) first.Upload(party, Updates(0)[party]);
  const Bytes base = run.ExpectedModel(run.base_model, Updates(0));
  SampleHost second(run, {.start = SecondStart(*first.record_file),
                          .seed = SeedOf("second"),
                          .base_key = SeedOf("not the key"),  // as good as none
                          .base_file = first.model_file});
  const Offer offer = second.GetOffer(0);
  SampleSender without(run, 0, offer, Updates(7)[0], {});
  EXPECT_EQ(second.SayOne(0, without.begin()), "model_key_missing");
  SampleSender wrong(run, 0, offer, Updates(7)[0], {.model_key = SeedOf("wrong")});
  EXPECT_EQ(second.SayOne(0, wrong.begin()), "model_key_wrong");
  second.Upload(0, Updates(7)[0], KeyOf(0, *first.record_file, Round(1)));
  second.Upload(1, Updates(7)[1]);  // now it is there
  SampleSender still_wrong(run, 2, offer, Updates(7)[2], {.model_key = SeedOf("wrong")});
  EXPECT_EQ(second.SayOne(2, still_wrong.begin()), "model_key_wrong");
  second.Upload(2, Updates(7)[2], KeyOf(2, *first.record_file, Round(1)));
  ASSERT_TRUE(second.round->over());
  EXPECT_EQ(Open(second.model_file, KeyOf(2, *second.record_file, Round(2)), Round(2)),
            run.ExpectedModel(base, Updates(7)));
}

TEST_P(SealedDeliveryTest, AWrongSealedBaseIsFound) {
  SampleHost first(run);
  for (size_t party = 0; party < 3; ++party) first.Upload(party, Updates(0)[party]);
  Bytes bad = first.model_file;
  bad[bad.size() / 2] ^= 1;
  SampleHost second(run, {.start = SecondStart(*first.record_file),
                          .seed = SeedOf("second"),
                          .base_key = first.round->TakeModelKey(),
                          .base_file = bad});
  for (size_t party = 0; party < 3; ++party) second.Upload(party, Updates(7)[party]);
  EXPECT_THAT(second.host_refusals, ::testing::ElementsAre("base_wrong"));
  EXPECT_TRUE(second.model_file.empty());
  second.base_file = first.model_file;
  second.Close();
  EXPECT_TRUE(second.round->over());
  EXPECT_TRUE(CheckRecordFile(*second.record_file).ok());
}

TEST_P(SealedDeliveryTest, WrittenTwiceItIsTheSameBytes) {
  SampleHost host(run);
  host.Upload(0, Updates(0)[0]);
  host.Upload(1, Updates(0)[1]);
  host.answer_evidence = false;
  host.Close();
  const Bytes once = host.model_file;
  ASSERT_FALSE(once.empty());
  host.Inspect();
  EXPECT_EQ(host.model_file, once);
}

INSTANTIATE_TEST_SUITE_P(Suites, SealedDeliveryTest,
                         ::testing::Values(Suite::kX25519Aes256Gcm,
                                           Suite::kX25519ChaCha20Poly1305));

}  // namespace
}  // namespace sealfold
