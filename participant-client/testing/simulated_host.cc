#include "participant-client/testing/simulated_host.h"

#include <deque>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"

namespace sealfold::testing_world {
namespace {

constexpr uint64_t kPartBytes = 5000;

class LinkHere : public Link {
 public:
  explicit LinkHere(SimulatedHost& host) : host_(host) {}
  absl::Status Send(const Message& message) override {
    for (Message& answer : host_.On(message)) answers_.push_back(std::move(answer));
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<Message>> Receive(uint64_t) override {
    if (answers_.empty()) return std::nullopt;
    Message message = std::move(answers_.front());
    answers_.pop_front();
    return message;
  }

 private:
  SimulatedHost& host_;
  std::deque<Message> answers_;
};

template <class M>
void Answer(const M& message, std::vector<Message>& out, const SharedBytes& bulk = {}) {
  out.push_back({.head = cbor::EncodeFields(message), .bulk = bulk});
}

void Refuse(const char* code, std::vector<Message>& out) {
  Answer(RefusedMessage{.code = code, .what = "a test", .expected = {}, .found = {}, .advice = {}},
         out);
}

}  // namespace

Bytes ModelOf(const Plan& plan, uint64_t seed) {
  Bytes model = ModelFileHeader(plan.tensors);
  const size_t header = model.size();
  model.resize(ModelFileSizeBytes(plan.tensors));
  for (size_t i = header; i < model.size(); ++i)
    model[i] = static_cast<uint8_t>(i * seed + i / 256);
  return model;
}

SimulatedHost::SimulatedHost(World& world) : world_(world) {
  models_[0] = ModelOf(world.plan.plan, 3);
  world.ChangePlan([&](Plan& plan) { plan.initial_model = Sha256(models_[0]); });
  stored_models_[0] = models_[0];
}

LinkFactory SimulatedHost::Connect() {
  return [this]() -> absl::StatusOr<std::unique_ptr<Link>> {
    return std::make_unique<LinkHere>(*this);
  };
}

void SimulatedHost::StartRound() {
  std::optional<CheckedRecord> previous;
  if (!published_.empty()) previous = published_.back().checked;
  aggregator_ = std::make_unique<SimulatedAggregator>(world_, Round(round_), Attempt(attempt_),
                                                      ++keys_, previous);
  if (prepare_aggregator) prepare_aggregator(*aggregator_);
  ++version_;
}

void SimulatedHost::RestartAggregator() {
  ++attempt_;
  StartRound();
}

void SimulatedHost::PublishRound() {
  std::vector<LogEntry> log(3, *aggregator_->entry());
  for (uint64_t i = 0; i < 3; ++i) {
    log[i].index = i;
    log[i].participant = world_.keys[i].public_key();
  }
  if (alter_log) alter_log(log);
  models_[round_] = ModelOf(world_.plan.plan, round_ * 2 + 5);
  std::optional<Secret> model_key;
  if (world_.plan.plan.delivery == Delivery::kSealed) model_key = SeedOf(round_, "model key");
  published_.push_back(Publish(world_, aggregator_->binding(), aggregator_->record_key(), log,
                               Sha256(models_[round_]),
                               model_key.has_value() ? &*model_key : nullptr));
  stored_models_[round_] = models_[round_];
  if (model_key.has_value()) {
    const SealedModel sealer(world_.plan, Round(round_), model_key->span(), models_[round_].size());
    Bytes& stored = stored_models_[round_];
    stored.clear();
    uint64_t offset = 0;
    for (uint64_t chunk = 0; chunk < sealer.chunk_count(); ++chunk) {
      const uint64_t size = sealer.chunk_size_bytes(chunk);
      Bytes sealed(size + kAeadTagSize);
      sealer.SealChunk(chunk, ByteSpan(models_[round_]).subspan(offset, size),
                       absl::MakeSpan(sealed));
      Append(stored, sealed);
      offset += size;
    }
  }
  aggregator_.reset();
  ++version_;
}

void SimulatedHost::OnGet(const GetRequest& get, std::vector<Message>& out) {
  Bytes file;
  if (get.what == FileKind::kPlan) {
    file = world_.plan.bytes;
  } else if (get.what == FileKind::kRecord) {
    if (get.round < 1 || get.round > published_.size()) return Refuse("not_published", out);
    file = published_[get.round - 1].bytes;
    if (alter_record) alter_record(file);
  } else {
    if (stored_models_.count(get.round) == 0) return Refuse("not_published", out);
    file = stored_models_[get.round];
    if (alter_model) alter_model(file);
  }
  const uint64_t begin = std::min<uint64_t>(get.offset, file.size());
  const uint64_t end = std::min<uint64_t>(file.size(), begin + kPartBytes);
  Answer(Part{.what = get.what, .round = get.round, .offset = get.offset, .total = file.size()},
         out,
         Bytes(file.begin() + static_cast<ptrdiff_t>(begin),
               file.begin() + static_cast<ptrdiff_t>(end)));
}

std::vector<Message> SimulatedHost::On(const Message& message) {
  if (before) before(message);
  std::vector<Message> out;
  const std::string type = *cbor::PeekType(message.head);
  if (type == StatusRequest::kType) {
    if (aggregator_ == nullptr && round_ < world_.plan.plan.rounds && start_at_once) {
      ++round_;
      attempt_ = 1;
      StartRound();
    }
    RunStatus status;
    status.version = version_;
    status.phase = aggregator_ != nullptr ? RunPhase::kRound : RunPhase::kDone;
    status.plan = world_.plan.digest;
    status.round = round_;
    status.attempt = attempt_;
    status.records = published_.size();
    Answer(status, out);
    return out;
  }
  if (type == GetRequest::kType) {
    OnGet(*cbor::DecodeFields<GetRequest>(message.head), out);
    return out;
  }
  if (aggregator_absent) Refuse("aggregator_absent", out);
  if (aggregator_ == nullptr) Refuse("no_round", out);
  if (!out.empty()) return out;
  out = aggregator_->On(message);
  if (aggregator_->committed()) PublishRound();
  return out;
}

}  // namespace sealfold::testing_world
