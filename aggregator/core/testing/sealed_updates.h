// For tests of the fold: updates as the aggregator holds them, without a round around them.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_SEALED_UPDATES_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_SEALED_UPDATES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "aggregator/core/batch/sealed_update.h"
#include "aggregator/core/testing/sample_run.h"

namespace sealfold::testing {

// The recipient of all of them.
const HpkeKeyPair& Recipient();

// What a header of `party` that starts with chunk `start` is opened by, and the chunks from there
// on as they are sealed under it.
struct SealedPart {
  EnvelopeReceiver receiver;
  std::vector<Bytes> chunks;
};
SealedPart SealFrom(const SampleRun& run, size_t party, const SampleUpdate& update, uint64_t start);

// The whole update, under a new header from each of `starts` on (rising, after 0). Chunk
// `broken`, if it is one, has a bit flipped.
std::unique_ptr<SealedUpdate> SealWhole(const SampleRun& run, size_t party,
                                        const SampleUpdate& update,
                                        const std::vector<uint64_t>& starts = {},
                                        uint64_t broken = UINT64_MAX);

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_SEALED_UPDATES_H_
