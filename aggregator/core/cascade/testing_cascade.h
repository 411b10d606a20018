// For the tests of cascades: aggregators of one round with keys of their own, and what travels
// between them.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_TESTING_CASCADE_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_TESTING_CASCADE_H_

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "aggregator/core/cascade/partial_source.h"
#include "aggregator/core/cascade/root_sum.h"
#include "aggregator/core/intake/intake.h"
#include "aggregator/core/publish/publisher.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_run.h"
#include "aggregator/core/testing/sample_sender.h"
#include "aggregator/core/testing/unverified_peer.h"
#include "protocol/crypto/hash.h"

namespace sealfold::testing_cascade {

using testing::SampleRun;
using testing::SampleUpdate;
using testing::SeedOf;

// An aggregator of the run's first round, number `number` of its cascade.
struct Member {
  Member(const SampleRun& run, uint64_t number)
      : terms(*RoundTerms::Open(run.FirstStart())),
        keys(RoundKeys::Derive(SeedOf("member", number), terms)) {}
  UnverifiedPeer unverified() const { return UnverifiedPeer::Of(terms, keys); }
  VerifiedPeer peer() const { return unverified().AsIfVerified(); }
  // What its evidence would be made for, without any.
  Offer MakeOffer() const {
    return {.binding = keys.MakeBinding(terms),
            .hpke_key = keys.hpke().public_key(),
            .platform = "test",
            .evidence = {}};
  }
  RoundTerms terms;
  RoundKeys keys;
};

// One that takes updates.
struct Leaf : Member {
  Leaf(const SampleRun& sample, uint64_t number)
      : Member(sample, number),
        run(sample),
        intake(*Intake::Make(terms, keys, Secret(), FoldMeans{.workers = workers})) {
    intake->Hurry(true);
  }

  void Upload(size_t party, const SampleUpdate& update) {
    const std::vector<Message> messages =
        testing::SealUpload(run, party, MakeOffer(), update, SeedOf("ephemeral", party));
    Actions actions;
    SEALFOLD_CHECK(
        intake->OnBegin({}, testing::As<Begin>(messages[0]), messages[0].bulk, 1, actions).ok());
    for (size_t i = 1; i < messages.size(); ++i) {
      SEALFOLD_CHECK(
          intake->OnChunk({}, testing::As<Chunk>(messages[i]), messages[i].bulk, 1, actions).ok());
    }
    while (intake->folding() > 0) intake->OnTick(1, actions);
  }
  FoldedUpdates folded() const {
    return {.sum = intake->sum().span(),
            .log = intake->log(),
            .weight_sum = intake->weight_sum(),
            .base_key = intake->base_key()};
  }

  const SampleRun& run;
  CallingThread workers;
  std::unique_ptr<Intake> intake;
};

// A partial sum on its way.
struct Sent {
  Bytes header;
  Bytes head;
  Bytes log;
  std::vector<Bytes> chunks;
};
inline Sent Send(const Member& from, const FoldedUpdates& folded, const VerifiedPeer& to) {
  PartialSource source = *PartialSource::Make(from.terms, from.keys, to, folded, SeedOf("partial"));
  Sent sent{.header = source.signed_header(),
            .head = source.sealed_head(),
            .log = source.log(),
            .chunks = {}};
  for (uint64_t i = 0; i < source.chunk_count(); ++i) sent.chunks.push_back(source.NextChunk());
  return sent;
}

inline Sent Send(const Member& from, const FoldedUpdates& folded, const Member& to) {
  return Send(from, folded, to.peer());
}

inline absl::StatusOr<PartialIntake> Receive(const Member& root, const VerifiedPeer& from,
                                             const Sent& sent) {
  SEALFOLD_ASSIGN_OR_RETURN(
      PartialIntake partial,
      PartialIntake::Make(root.terms, root.keys, from, sent.header, sent.head, sent.log));
  for (size_t i = 0; i < sent.chunks.size(); ++i) {
    SEALFOLD_RETURN_IF_ERROR(partial.TakeChunk(i, sent.chunks[i]));
  }
  return partial;
}

// What a root publishes, with a host that answers at once.
inline Bytes Publish(const SampleRun& run, const Member& root, const RootSum& sum) {
  Publisher publisher(root.terms, root.keys, sum.base_key(), sum.sum(), sum.weight_sum());
  Bytes model;
  Actions actions;
  publisher.Start(actions);
  while (!actions.empty()) {
    Actions more;
    for (const Action& action : actions) {
      const Message& message = std::get<SendMessage>(action).message;
      if (testing::TypeOf(message) == ModelPart::kType) {
        Append(model, message.bulk);
        continue;
      }
      const auto want = testing::As<WantBase>(message);
      const ByteSpan base = ByteSpan(run.base_model).subspan(want.offset, want.length);
      SEALFOLD_CHECK(publisher.OnBase(want.offset, base, more).ok());
    }
    actions = std::move(more);
  }
  SEALFOLD_CHECK(publisher.model() == Sha256(model));
  return model;
}

}  // namespace sealfold::testing_cascade

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_TESTING_CASCADE_H_
