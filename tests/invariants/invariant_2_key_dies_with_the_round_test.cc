// Invariant 2: the key an update is sealed to exists only in the aggregator, is named in verified
// evidence, and dies with the round.
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_sender.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::SeedOf;

TEST(KeyDiesWithTheRoundTest, EvidenceNamesTheKeyThatUpdatesAreSealedTo) {
  const SampleRun run = SampleRun::Make();
  Actions actions;
  RoundSetup setup{.seed = SeedOf("round"), .base_key = {}, .platform = "test"};
  auto round = RoundMachine::Start(run.FirstStart(), std::move(setup), 0, actions);
  ASSERT_TRUE(round.ok()) << round.status();
  actions.clear();
  (*round)->OnMessage({1},
                      testing::Encode(Hello{.plan = run.signed_plan.digest,
                                            .participant = run.parties[0].key.public_key(),
                                            .nonce = SessionNonce()}),
                      1, actions);
  const AskEvidence* ask = nullptr;
  for (const Action& action : actions) {
    if (std::holds_alternative<AskEvidence>(action)) ask = &std::get<AskEvidence>(action);
  }
  ASSERT_NE(ask, nullptr);
  const SampleHost host(run);  // the same seed: the same keys
  SampleHost same(run);
  const Offer offer = same.GetOffer(0);
  EXPECT_EQ(ask->public_key, ToBytes(offer.hpke_key.span()));
  EXPECT_EQ(ask->user_data, ToBytes(offer.binding.digest().span()));
  EXPECT_EQ(offer.binding.hpke_key, Sha256(offer.hpke_key.span()));
}

TEST(KeyDiesWithTheRoundTest, WhatWasSealedToARoundOpensInNoOther) {
  const SampleRun run = SampleRun::Make();
  SampleHost first(run);
  const SampleUpdate update = run.MakeUpdate(1);
  SampleSender sender(run, 0, first.GetOffer(0), update, {});
  // The aggregator died and came back: same plan, same round, and even the same attempt's number.
  SampleHost second(run, {.start = run.FirstStart(), .seed = SeedOf("another round")});
  const Digest before = second.round->SumFingerprint();
  EXPECT_EQ(second.Code(0, sender.begin()), "wrong_recipient_key");
  // A header made for the new key does not help what was sealed to the old one.
  EnvelopeHeader header = SampleSender::HeaderFor(run, 0, second.GetOffer(0), {});
  header.enc =
      OpenEnvelopeHeader(cbor::DecodeFields<Begin>(sender.begin().head)->header)->header.enc;
  EXPECT_EQ(second.Code(0, testing::SignedBegin(header, run.parties[0].key, sender.begin().bulk)),
            "seal_broken");
  EXPECT_EQ(second.round->SumFingerprint(), before);
}

TEST(KeyDiesWithTheRoundTest, NothingIsOpenedOnceTheRoundIsOver) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  SampleSender late(run, 2, host.GetOffer(2), run.MakeUpdate(3), {});
  for (size_t party = 0; party < 2; ++party) host.Upload(party, run.MakeUpdate(party));
  host.Close();
  ASSERT_TRUE(host.record_file.has_value());
  ASSERT_TRUE(host.round->over());  // keys and sum are erased; the program starts another machine
}

}  // namespace
}  // namespace sealfold
