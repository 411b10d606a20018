// A relay that drops, repeats, delays, flips and replays whatever passes, and an aggregator's clock
// that stutters: whatever comes of it, the model that is published is exactly that of the updates
// in its record's log.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::TypeOf;

// One participant's client, as simple as it can be and still get through: it answers what it hears,
// asks where it stands when it hears nothing, and trusts no message to be true.
class Client {
 public:
  Client(const SampleRun& run, size_t party, const SampleUpdate& update)
      : run_(run), party_(party), update_(update) {}

  bool done() const { return done_; }

  std::vector<Message> OnSilence(const SampleHost& host) {
    if (done_) return {};
    if (!offer_.has_value()) return {host.HelloOf(party_)};
    if (!sender_.has_value()) return {NewSender({.sequence = ++sequence_})};
    return {host.QueryOf(party_)};
  }

  std::vector<Message> OnMessage(const Message& message) {
    const absl::StatusOr<std::string> type = cbor::PeekType(message.head);
    if (done_ || !type.ok()) return {};
    if (*type == Offer::kType) {
      const auto offer = cbor::DecodeFields<Offer>(message.head);
      // Where a client verifies evidence.
      if (!offer.ok() || offer_.has_value() || !Genuine(*offer)) return {};
      offer_ = *offer;
      return {NewSender({.sequence = ++sequence_})};
    }
    if (*type == ReceiptMessage::kType && offer_.has_value()) {
      const auto receipt = cbor::DecodeFields<ReceiptMessage>(message.head);
      done_ = receipt.ok() && OpenReceipt(receipt->receipt, offer_->binding.record_key).ok();
      return {};
    }
    if (*type == Progress::kType && sender_.has_value()) {
      const auto progress = cbor::DecodeFields<Progress>(message.head);
      if (progress.ok()) return OnProgress(*progress);
    }
    return {};
  }

 private:
  bool Genuine(const Offer& offer) const {
    AskEvidence ask{.nonce = ToBytes(testing::SeedOf("nonce", party_).span()),
                    .user_data = ToBytes(offer.binding.digest().span()),
                    .public_key = ToBytes(offer.hpke_key.span())};
    return offer.evidence == testing::SampleEvidence(ask) &&
           offer.binding.hpke_key == Sha256(offer.hpke_key.span());
  }

  Message NewSender(SampleSender::Options options) {
    next_ = options.start;
    sender_.emplace(run_, party_, *offer_, update_, std::move(options));
    return sender_->begin();
  }

  std::vector<Message> OnProgress(const Progress& progress) {
    if (progress.header != sender_->header_digest()) {
      // Not the header in force: what was sealed under it cannot go on. Start over now and then;
      // else wait.
      if (++strangers_ % 3 != 0) return {};
      sequence_ = std::max(sequence_, std::min<uint64_t>(progress.sequence, 1u << 20)) + 1;
      return {NewSender({.sequence = sequence_})};
    }
    if (progress.next >= sender_->chunk_count()) return {};
    if (progress.next < next_) {  // something was lost: go on from there under a new header
      if (++behind_ % 4 != 0) return {};
      return {NewSender(
          {.sequence = ++sequence_, .start = progress.next, .continues = progress.header})};
    }
    std::vector<Message> out;
    const uint64_t end = std::min(sender_->chunk_count(), progress.next + progress.credit);
    for (; next_ < end; ++next_) out.push_back(sender_->chunk(next_));
    return out;
  }

  const SampleRun& run_;
  size_t party_;
  SampleUpdate update_;
  std::optional<Offer> offer_;
  std::optional<SampleSender> sender_;
  uint64_t sequence_ = 0;
  uint64_t next_ = 0;
  int strangers_ = 0;
  int behind_ = 0;
  bool done_ = false;
};

struct Result {
  bool published = false;
  size_t updates = 0;
};

Result Simulate(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  const auto chance = [&random](double p) {
    return std::uniform_real_distribution<double>(0, 1)(random) < p;
  };
  const size_t parties = 2 + random() % 4;
  SampleRun run = SampleRun::Make(parties);
  run.plan.quorum = 1 + random() % parties;
  run.plan.staging_bytes_max = (1 + random() % parties) * SealedUpdateBytes(run.plan);
  run.Sign();
  SampleHost host(run);
  std::vector<SampleUpdate> updates;
  std::vector<Client> clients;
  for (size_t party = 0; party < parties; ++party) {
    updates.push_back(run.MakeUpdate(seed * 100 + party));
    clients.emplace_back(run, party, updates.back());
  }
  const double trouble = std::uniform_real_distribution<double>(0, 0.15)(random);

  struct Packet {
    size_t party;
    bool up;
    Message message;
  };
  std::deque<Packet> wire;
  std::vector<Packet> seen;  // for replays, also under another's session
  const auto put = [&](Packet packet) {
    if (seen.size() < 200 || chance(0.05)) seen.push_back(packet);
    if (chance(trouble)) return;  // dropped
    if (chance(trouble)) wire.push_back(packet);
    if (chance(trouble)) {
      const auto flip = [&](Bytes& bytes) {
        if (!bytes.empty()) bytes[random() % bytes.size()] ^= uint8_t{1} << random() % 8;
      };
      if (packet.message.bulk.empty() || chance(0.5)) {
        flip(packet.message.head);
      } else {
        testing::ChangeBulk(packet.message, flip);
      }
    }
    if (chance(trouble) && !wire.empty()) {
      wire.insert(wire.begin() + static_cast<int64_t>(random() % wire.size()), packet);
    } else {
      wire.push_back(packet);
    }
  };

  for (int step = 0; step < 20'000 && !host.round->over(); ++step) {
    if (chance(trouble / 4) && !seen.empty()) {
      Packet again = seen[random() % seen.size()];
      if (chance(0.3)) again.party = random() % parties;
      wire.push_back(again);
    }
    if (chance(0.02)) host.Tick(random() % 4 == 0 ? 0 : host.now_ms + random() % 3000);
    if (wire.empty() || chance(0.01)) {
      const size_t party = random() % parties;
      for (Message& m : clients[party].OnSilence(host)) put({party, true, std::move(m)});
      if (wire.empty()) host.Tick(host.now_ms + 50);
      continue;
    }
    const Packet packet = wire.front();
    wire.pop_front();
    if (packet.up) {
      host.inbox.clear();
      host.Say(packet.party, packet.message);
      for (const auto& [party, messages] : host.inbox) {
        for (const Message& m : messages) put({party, false, m});
      }
    } else {
      for (Message& m : clients[packet.party].OnMessage(packet.message)) {
        put({packet.party, true, std::move(m)});
      }
    }
  }

  Result result;
  if (!host.record_file.has_value()) {
    EXPECT_TRUE(!host.round->over() || host.failed->code == "quorum_missing");
    return result;
  }
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(*host.record_file);
  EXPECT_TRUE(checked.ok()) << checked.status();
  if (!checked.ok()) return result;
  std::vector<SampleUpdate> logged;
  for (const LogEntry& entry : host.record_file->log) {
    logged.push_back(updates[*run.plan.IndexOf(entry.participant)]);
  }
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, logged));
  EXPECT_EQ(checked->record.model, Sha256(host.model_file));
  // Whoever has a receipt is in the log.
  for (size_t party = 0; party < parties; ++party) {
    if (!clients[party].done()) continue;
    EXPECT_TRUE(InclusionPath(*host.record_file, run.parties[party].key.public_key()).ok());
  }
  return {.published = true, .updates = logged.size()};
}

TEST(SimulationTest, NeverAWrongModel) {
  const uint64_t first = std::random_device{}();
  RecordProperty("seed", std::to_string(first));
  std::printf("seeds %s to %s\n", std::to_string(first).c_str(),
              std::to_string(first + 59).c_str());
  size_t published = 0;
  size_t updates = 0;
  for (uint64_t seed = first; seed < first + 60; ++seed) {
    const Result result = Simulate(seed);
    published += result.published ? 1 : 0;
    updates += result.updates;
  }
  std::printf("%zu of 60 rounds published, of %zu updates\n", published, updates);
  // The trouble is such that most rounds get through: a test in which none did would show nothing.
  EXPECT_GT(published, 30u);
}

TEST(SimulationTest, AKnownSeedGetsThrough) { EXPECT_TRUE(Simulate(1).published); }

}  // namespace
}  // namespace sealfold
