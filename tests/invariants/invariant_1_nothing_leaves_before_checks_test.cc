// Invariant 1: no update byte leaves before every check passes on a document made for this
// session's nonce. Each check is broken in turn.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "participant-client/session/session.h"
#include "participant-client/testing/session_bench.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/identity.h"

namespace sealfold {
namespace {

using testing_world::SessionBench;
using testing_world::SimulatedAggregator;
using testing_world::World;

struct Break {
  std::string code;  // that the refusal names
  std::function<void(World&, SimulatedAggregator&)> apply;
};

// Evidence over a changed binding, as an aggregator that lies about it would have it made.
std::function<void(World&, SimulatedAggregator&)> Rebind(
    const std::function<void(Binding&)>& change) {
  return [change](World&, SimulatedAggregator& aggregator) { aggregator.alter_binding = change; };
}

void AlterOffer(SimulatedAggregator& aggregator, std::function<void(Offer&)> alter) {
  aggregator.alter_offer = std::move(alter);
}

// Of a document for five sessions.
std::function<void(World&, SimulatedAggregator&)> AlterBatch(
    const std::function<void(Offer&)>& alter) {
  return [alter](World&, SimulatedAggregator& aggregator) {
    aggregator.batch = 5;
    AlterOffer(aggregator, alter);
  };
}

std::vector<Break> Breaks() {
  return {
      {"plan_coordinator",
       [](World& w, SimulatedAggregator&) { w.policy.coordinators = {w.keys[1].public_key()}; }},
      {"plan_quorum", [](World& w, SimulatedAggregator&) { w.policy.plan.quorum_min = 4; }},
      {"plan_participants",
       [](World& w, SimulatedAggregator&) { w.policy.plan.participants_min = 4; }},
      {"plan_range", [](World& w, SimulatedAggregator&) { w.policy.plan.range_max = 1; }},
      {"plan_weight_max",
       [](World& w, SimulatedAggregator&) { w.policy.plan.weight_max = Weight(999); }},
      {"plan_rounds", [](World& w, SimulatedAggregator&) { w.policy.plan.rounds_max = 2; }},
      {"plan_delivery",
       [](World& w, SimulatedAggregator&) { w.policy.plan.deliveries = {Delivery::kSealed}; }},
      {"offer_platform",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.platform = "aws-nitro"; });
       }},
      {"evidence_registers",
       [](World&, SimulatedAggregator& a) { a.measurement = Sha384(AsBytes("another program")); }},
      {"evidence_freshness",
       [](World&, SimulatedAggregator& a) { a.evidence_ms = testing_world::kNowMs - 301'000; }},
      {"evidence_nonce",
       [](World& w, SimulatedAggregator& a) {
         AlterOffer(a, [&w, &a](Offer& o) {
           o.evidence = w.Evidence(RandomNonce().span(), a.binding().digest().span(),
                                   o.hpke_key.span(), w.measurement);
         });
       }},
      {"evidence_user_data",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.binding.record_key = SigningPublicKey(); });
       }},
      {"evidence_public_key",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.hpke_key.mutable_span()[0] ^= 1; });
       }},
      {"evidence_signature",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.evidence.back() ^= 1; });
       }},
      {"evidence_format",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.evidence.pop_back(); });
       }},
      {"evidence_chain",
       [](World&, SimulatedAggregator& a) {
         // A whole platform of someone else's: everything but the root is in order.
         AlterOffer(a, [&a](Offer& o) {
           static World* const other = new World(2);
           o.evidence = other->Evidence(a.last_nonce().span(), a.binding().digest().span(),
                                        o.hpke_key.span(), other->measurement);
         });
       }},
      {"nonce_not_in_batch", AlterBatch([](Offer& o) { o.batch->path[0].mutable_span()[0] ^= 1; })},
      {"nonce_not_in_batch", AlterBatch([](Offer& o) { o.batch->index = 1; })},
      {"nonce_not_in_batch", AlterBatch([](Offer& o) { o.batch->root = Digest(); })},
      // A tree of the host's own making, whose root no document is for.
      {"evidence_nonce",
       [](World&, SimulatedAggregator& a) {
         a.batch = 5;
         AlterOffer(a, [&a](Offer& o) {
           o.batch = {.index = 0, .size = 1, .root = NonceLeaf(a.last_nonce()), .path = {}};
         });
       }},
      {"evidence_nonce",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [&a](Offer& o) {
           o.batch = {.index = 0, .size = 1, .root = NonceLeaf(a.last_nonce()), .path = {}};
         });
       }},
      {"evidence_nonce", AlterBatch([](Offer& o) { o.batch.reset(); })},
      // The same path leads to the same root in a tree of eight.
      {"evidence_user_data", AlterBatch([](Offer& o) { o.batch->size = 8; })},
      {"evidence_user_data",
       AlterBatch([](Offer& o) { o.binding.record_key = SigningPublicKey(); })},
      // A document whose nonce is the root, but for the binding alone.
      {"evidence_user_data",
       [](World& w, SimulatedAggregator& a) {
         a.batch = 5;
         AlterOffer(a, [&w, &a](Offer& o) {
           o.evidence = w.Evidence(o.batch->root.span(), a.binding().digest().span(),
                                   o.hpke_key.span(), w.measurement);
         });
       }},
      {"identity_not_accepted",
       [](World& w, SimulatedAggregator&) { w.policy.identities = {w.keys[0].public_key()}; }},
      {"identity_not_accepted",
       [](World& w, SimulatedAggregator& a) {
         w.policy.identities = {w.identity->public_key()};
         AlterOffer(a, [](Offer& o) { o.identity.reset(); });
       }},
      // The host's own key, which claims this attempt by itself.
      {"identity_not_accepted",
       [](World& w, SimulatedAggregator& a) {
         w.policy.identities = {w.identity->public_key()};
         AlterOffer(a, [&w](Offer& o) { o.identity = SignIdentity(w.keys[0], o.binding); });
       }},
      // The accepted key, for an attempt with other keys.
      {"identity_wrong",
       [](World& w, SimulatedAggregator& a) {
         w.policy.identities = {w.identity->public_key()};
         AlterOffer(a, [&w](Offer& o) {
           Binding other = o.binding;
           other.record_key = w.keys[0].public_key();
           o.identity = SignIdentity(*w.identity, other);
         });
       }},
      // Whether the policy asks for one or not.
      {"identity_wrong",
       [](World&, SimulatedAggregator& a) {
         AlterOffer(a, [](Offer& o) { o.identity->back() ^= 1; });
       }},
      {"offer_hpke_key", Rebind([](Binding& b) { b.hpke_key = Digest(); })},
      {"offer_protocol", Rebind([](Binding& b) { b.protocol = 2; })},
      {"offer_suite", Rebind([](Binding& b) { b.suite = Suite::kX25519ChaCha20Poly1305; })},
      {"offer_plan", Rebind([](Binding& b) { b.plan = Digest(); })},
      {"offer_round_ahead", Rebind([](Binding& b) { b.round = Round(2); })},
      {"offer_round_seen", Rebind([](Binding& b) { b.round = Round(0); })},
      {"offer_chain_broken", Rebind([](Binding& b) { b.previous_record = Digest(); })},
      {"offer_base_model", Rebind([](Binding& b) { b.base_model = Digest(); })},
      {"offer_attempt_old", Rebind([](Binding& b) { b.attempt = Attempt(0); })},
      {"offer_attempt_limit", Rebind([](Binding& b) { b.attempt = Attempt(3); })},
  };
}

TEST(NothingLeavesBeforeChecks, EachBrokenCheckStopsEverything) {
  for (const Break& broken : Breaks()) {
    SCOPED_TRACE(broken.code);
    World world;
    SessionBench bench(world);
    SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
    broken.apply(world, aggregator);
    auto session = bench.NewProcess();
    bench.Run(*session, aggregator, session->Start());
    EXPECT_EQ(session->state(), Session::State::kFailed);
    EXPECT_EQ(ErrorCode(session->status()), broken.code);
    EXPECT_EQ(session->status().code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(bench.payload.reads, 0u);
    EXPECT_EQ(aggregator.sealed_messages(), 0u);
    EXPECT_EQ(bench.store.saves, 0u);
    // And however often it is asked again.
    EXPECT_TRUE(session->OnQuiet().empty());
  }
}

TEST(NothingLeavesBeforeChecks, NothingButAnOfferOpensTheWay) {
  World world;
  SessionBench bench(world);
  SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
  auto honest = bench.NewProcess();
  std::vector<Message> answers;
  std::vector<Message> sent = honest->Start();
  // Everything that an honest aggregator would say later, said at once to a session that only
  // asked.
  for (int i = 0; i < 10 && !sent.empty(); ++i) {
    std::vector<Message> next;
    for (const Message& m : sent) {
      for (const Message& answer : aggregator.On(m)) {
        answers.push_back(answer);
        for (Message& more : honest->OnMessage(answer, testing_world::kNowMs)) next.push_back(more);
      }
    }
    sent = std::move(next);
  }
  ASSERT_GE(answers.size(), 4u);
  SessionBench other(world);
  other.processes = 100;  // another nonce
  auto session = other.NewProcess();
  session->Start();
  for (const Message& answer : answers) {
    for (const Message& m : session->OnMessage(answer, testing_world::kNowMs)) {
      EXPECT_TRUE(m.bulk.empty());
    }
  }
  EXPECT_EQ(other.payload.reads, 0u);
}

TEST(NothingLeavesBeforeChecks, ADamagedOfferIsAskedForAnewAFewTimesOnly) {
  World world;
  SessionBench bench(world);
  SimulatedAggregator aggregator(world, Round(1), Attempt(1), 7);
  int damaged = 2;
  AlterOffer(aggregator, [&](Offer& o) {
    if (damaged-- > 0) (damaged > 0 ? o.evidence : *o.identity).back() ^= 1;
  });
  auto session = bench.NewProcess();
  bench.Run(*session, aggregator, session->Start());
  EXPECT_EQ(session->state(), Session::State::kDone) << session->status();
  EXPECT_EQ(session->offers_judged(), 3u);
}

}  // namespace
}  // namespace sealfold
