// For tests: a round with a host around it that answers at once, and everybody's inbox.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_HOST_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_HOST_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/core/round/round_machine.h"
#include "aggregator/core/testing/sample_run.h"
#include "aggregator/core/testing/sample_sender.h"
#include "protocol/record/record.h"

namespace sealfold::testing {

// The type of a message's head.
std::string TypeOf(const Message& message);
// The message as M; the test ends if it is another.
template <class M>
M As(const Message& message) {
  absl::StatusOr<M> decoded = cbor::DecodeFields<M>(message.head, {.size_bytes_max = 64u << 20});
  SEALFOLD_CHECK(decoded.ok());
  return *std::move(decoded);
}

// What sealfold-softnsm would sign, here only joined: nonce, user_data, public_key.
Bytes SampleEvidence(const AskEvidence& ask);

class SampleHost {
 public:
  struct Options {
    StartRound start;
    Secret seed = SeedOf("round");
    Secret base_key = {};
    Bytes base_file = {};  // as the host stores it; empty: the run's base model
    std::optional<FoldMeans> fold = {};
  };
  SampleHost(const SampleRun& sample, Options options);
  explicit SampleHost(const SampleRun& sample)
      : SampleHost(sample, {.start = sample.FirstStart()}) {}

  // Feeds in a message of session `party` and returns what that session was told, in order.
  std::vector<Message> Say(size_t party, const Message& message);
  // The same, where one answer is expected: its code if it is a refusal, else its type.
  std::string SayOne(size_t party, const Message& message);
  // As the refusal's code of the first answer, or "" if it is none.
  std::string Code(size_t party, const Message& message);
  Offer GetOffer(size_t party);
  Message HelloOf(size_t party) const;
  Message QueryOf(size_t party) const;
  // A whole upload as it should go; returns the receipt.
  Bytes Upload(size_t party, const SampleUpdate& update, Secret model_key = {});

  void Close();
  void Inspect();
  void Tick(uint64_t now_ms);

  const SampleRun& run;
  std::unique_ptr<RoundMachine> round;
  uint64_t now_ms = 1000;
  Bytes base_file;
  bool answer_evidence = true;  // with an error if false
  bool answer_base = true;
  bool fold_at_once = true;  // time goes on until what is complete is folded

  std::map<size_t, std::vector<Message>> inbox;  // unasked too
  std::vector<Message> to_host;
  Bytes model_file;  // as sent so far; starts over at offset 0
  std::optional<RecordFile> record_file;
  std::optional<Failed> failed;
  std::vector<std::string> host_refusals;  // codes

 private:
  void Do(Actions actions);
  void DoAndFold(Actions actions);
  void DoHost(const Message& message);
  std::vector<Message> base_parts_;  // asked for and not yet given
};

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_HOST_H_
