// A host with its aggregators in this process: answers a client's messages as the relay would,
// without sockets.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_HOST_H_
#define SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_HOST_H_

#include <map>
#include <memory>
#include <optional>

#include "participant-client/net/link.h"
#include "participant-client/testing/simulated_aggregator.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold::testing_world {

// Runs the world's plan: when the tested participant's update is committed, the other two are taken
// to have committed too, the round is published, and the next begins. One thread.
class SimulatedHost {
 public:
  explicit SimulatedHost(World& world);

  LinkFactory Connect();
  std::vector<Message> On(const Message& message);

  const std::vector<PublishedRound>& published() const { return published_; }
  SimulatedAggregator& aggregator() { return *aggregator_; }
  const Bytes& model(uint64_t round) const { return models_.at(round); }  // in the clear
  // The aggregator is gone; another attempt begins, with new keys.
  void RestartAggregator();

  // Departures from honesty and from order, each for as long as it is set.
  std::function<void(SimulatedAggregator&)> prepare_aggregator;
  std::function<void(std::vector<LogEntry>& log)> alter_log;  // before a record is made of it
  std::function<void(Bytes& record)> alter_record;            // as it is handed out
  std::function<void(Bytes& model)> alter_model;              // as it is handed out
  std::function<void(const Message& message)> before;
  bool start_at_once = true;
  bool aggregator_absent = false;

 private:
  void StartRound();
  void PublishRound();
  void OnGet(const GetRequest& get, std::vector<Message>& out);

  World& world_;
  std::unique_ptr<SimulatedAggregator> aggregator_;
  std::vector<PublishedRound> published_;
  std::map<uint64_t, Bytes> models_;
  std::map<uint64_t, Bytes> stored_models_;  // as handed out
  uint64_t round_ = 0;
  uint64_t attempt_ = 0;
  uint64_t keys_ = 100;
  uint64_t version_ = 1;
};

// The canonical model file of the world's plan with every byte of its tensors following from
// `seed`.
Bytes ModelOf(const Plan& plan, uint64_t seed);

}  // namespace sealfold::testing_world

#endif  // SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_HOST_H_
