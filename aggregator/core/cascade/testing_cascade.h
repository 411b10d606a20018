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
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/core/testing/sample_run.h"
#include "aggregator/core/testing/sample_sender.h"
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
  VerifiedPeer peer() const {
    return {.binding = keys.MakeBinding(terms), .hpke_key = keys.hpke().public_key()};
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
    const Offer offer{.binding = keys.MakeBinding(terms),
                      .hpke_key = keys.hpke().public_key(),
                      .platform = "test",
                      .evidence = {}};
    const std::vector<Message> messages =
        testing::SealUpload(run, party, offer, update, SeedOf("ephemeral", party));
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
inline Sent Send(const Member& from, const FoldedUpdates& folded, const Member& to) {
  PartialSource source =
      *PartialSource::Make(from.terms, from.keys, to.peer(), folded, SeedOf("partial"));
  Sent sent{.header = source.signed_header(),
            .head = source.sealed_head(),
            .log = source.log(),
            .chunks = {}};
  for (uint64_t i = 0; i < source.chunk_count(); ++i) sent.chunks.push_back(source.NextChunk());
  return sent;
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

}  // namespace sealfold::testing_cascade

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_TESTING_CASCADE_H_
