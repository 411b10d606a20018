// An aggregator made of protocol/'s pieces, for the tests of the sending side: honest unless told
// otherwise. It shows what a client sends and what became of it; it folds nothing.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_AGGREGATOR_H_
#define SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_AGGREGATOR_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "participant-client/testing/world.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"
#include "protocol/message/message.h"

namespace sealfold::testing_world {

class SimulatedAggregator {
 public:
  // The keys of attempt `attempt` follow from `seed`.
  SimulatedAggregator(World& world, Round round, Attempt attempt, uint64_t seed,
                      const std::optional<CheckedRecord>& previous = std::nullopt);

  // The answers to one message, in order.
  std::vector<Message> On(const Message& message);

  const Binding& binding() const { return binding_; }
  const SigningKey& record_key() const { return record_key_; }
  bool committed() const { return entry_.has_value(); }
  const std::optional<LogEntry>& entry() const { return entry_; }
  // What has been opened, in order; the whole payload once committed.
  const Bytes& payload() const { return payload_; }
  std::optional<Weight> weight() const { return weight_; }
  // The base model's key that came with the update; empty: none.
  const Bytes& model_key() const { return model_key_; }
  uint64_t next() const { return next_; }
  uint64_t begins() const { return begins_; }
  const SessionNonce& last_nonce() const { return last_nonce_; }
  // Begins and chunks seen, whatever became of them.
  uint64_t sealed_messages() const { return sealed_messages_; }
  // Loses what was staged, as a real one may when others wait for its room.
  void Discard();

  // How it departs from honesty; each may be empty.
  std::function<void(Offer&)> alter_offer;
  std::function<void(Binding&)> alter_binding;  // before the evidence over it is made
  std::function<void(LogEntry&)> alter_entry;   // before the receipt is signed
  const SigningKey* receipt_key = nullptr;      // in place of the record key
  Measurement measurement;                      // what the platform measures of it
  uint64_t evidence_ms;
  uint64_t credit = 2;
  // One document answers so many hellos, this one's the first of them; 1: it alone.
  uint64_t batch = 1;
  // A chunk that turns out, once, to be broken when all are there.
  std::optional<uint64_t> broken;

 private:
  using Messages = std::vector<Message>;
  void OnHello(const Hello& hello, Messages& out);
  Offer MakeOffer(const Hello& hello, const Binding& bound);
  void OnBegin(const Begin& begin, ByteSpan sealed_head, Messages& out);
  void OnChunk(const Chunk& chunk, ByteSpan sealed, Messages& out);
  void TellWhere(Messages& out) const;
  void Refuse(const char* code, Messages& out) const;
  void Commit();

  World& world_;
  HpkeKeyPair hpke_;
  SigningKey record_key_;
  Binding binding_;

  std::optional<EnvelopeReceiver> receiver_;
  std::optional<OpenedHeader> header_;
  Bytes payload_;
  Bytes tags_;
  std::optional<Weight> weight_;
  Bytes model_key_;
  std::optional<LogEntry> entry_;
  Bytes receipt_;
  SessionNonce last_nonce_;
  uint64_t next_ = 0;
  uint64_t sequence_max_ = 0;
  uint64_t begins_ = 0;
  uint64_t sealed_messages_ = 0;
};

}  // namespace sealfold::testing_world

#endif  // SEALFOLD_PARTICIPANT_CLIENT_TESTING_SIMULATED_AGGREGATOR_H_
