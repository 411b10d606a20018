#include "participant-client/testing/simulated_aggregator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/envelope/identity.h"
#include "protocol/log/merkle.h"

namespace sealfold::testing_world {
namespace {

template <class M>
void Answer(const M& message, std::vector<Message>& out) {
  out.push_back({.head = cbor::EncodeFields(message), .bulk = {}});
}

template <class M>
M Read(const Message& message) {
  auto decoded = cbor::DecodeFields<M>(message.head);
  SEALFOLD_CHECK(decoded.ok());
  return *std::move(decoded);
}

}  // namespace

SimulatedAggregator::SimulatedAggregator(World& world, Round round, Attempt attempt, uint64_t seed,
                                         const std::optional<CheckedRecord>& previous)
    : measurement(world.measurement),
      evidence_ms(world.now_ms),
      world_(world),
      hpke_(HpkeKeyPair::Derive(SeedOf(seed, absl::StrCat("hpke ", attempt.value())))),
      record_key_(SigningKey::FromSeed(SeedOf(seed, absl::StrCat("record ", attempt.value())))) {
  binding_.suite = world.plan.plan.suite;
  binding_.hpke_key = Sha256(hpke_.public_key().span());
  binding_.plan = world.plan.digest;
  binding_.round = round;
  binding_.attempt = attempt;
  binding_.record_key = record_key_.public_key();
  binding_.base_model = world.plan.plan.initial_model;
  if (previous.has_value()) {
    binding_.previous_record = previous->digest;
    binding_.base_model = previous->record.model;
  }
}

std::vector<Message> SimulatedAggregator::On(const Message& message) {
  Messages out;
  const std::string type = *cbor::PeekType(message.head);
  if (type == Hello::kType) {
    OnHello(Read<Hello>(message), out);
  } else if (type == Begin::kType) {
    ++sealed_messages_;
    OnBegin(Read<Begin>(message), message.bulk, out);
  } else if (type == Chunk::kType) {
    ++sealed_messages_;
    OnChunk(Read<Chunk>(message), message.bulk, out);
  } else if (type == Query::kType) {
    TellWhere(out);
  }
  return out;
}

void SimulatedAggregator::Refuse(const char* code, Messages& out) const {
  Answer(RefusedMessage{.code = code, .what = "a test", .expected = {}, .found = {}, .advice = {}},
         out);
}

void SimulatedAggregator::OnHello(const Hello& hello, Messages& out) {
  if (hello.plan != world_.plan.digest) return Refuse("wrong_plan", out);
  last_nonce_ = hello.nonce;
  Binding bound = binding_;
  if (alter_binding) alter_binding(bound);
  Offer offer = MakeOffer(hello, bound);
  if (alter_offer) alter_offer(offer);
  Answer(offer, out);
}

Offer SimulatedAggregator::MakeOffer(const Hello& hello, const Binding& bound) {
  Offer offer{.binding = bound,
              .hpke_key = hpke_.public_key(),
              .platform = world_.policy.evidence.platform,
              .evidence = {}};
  if (world_.identity.has_value()) offer.identity = SignIdentity(*world_.identity, bound);
  Bytes nonce = ToBytes(hello.nonce.span());
  Digest user_data = bound.digest();
  if (batch > 1) {
    MerkleLog tree;
    tree.Append(NonceLeaf(hello.nonce));
    while (tree.size() < batch) tree.Append(NonceLeaf(RandomNonce()));
    offer.batch = {
        .index = 0, .size = batch, .root = tree.Root(), .path = tree.InclusionProof(0, batch)};
    nonce = ToBytes(tree.Root().span());
    user_data = NonceBatch{.binding = user_data, .root = tree.Root(), .size = batch}.digest();
  }
  offer.evidence =
      world_.Evidence(nonce, user_data.span(), hpke_.public_key().span(), measurement, evidence_ms);
  return offer;
}

void SimulatedAggregator::OnBegin(const Begin& begin, ByteSpan sealed_head, Messages& out) {
  if (committed()) return TellWhere(out);
  auto opened = OpenEnvelopeHeader(begin.header);
  SEALFOLD_CHECK(opened.ok());
  const EnvelopeHeader& header = opened->header;
  if (header.round != binding_.round) return Refuse("wrong_round", out);
  if (header.attempt != binding_.attempt) return Refuse("wrong_attempt", out);
  if (header.recipient != binding_.hpke_key) return Refuse("wrong_recipient_key", out);
  if (header.sequence <= sequence_max_) return Refuse("header_replayed", out);
  const bool restarts = header.start == 0 && !header.continues.has_value();
  const bool goes_on = header_.has_value() && header.continues == header_->digest &&
                       header.start == next_ && next_ > 0;
  if (!restarts && !goes_on) return Refuse("start_wrong", out);
  auto receiver = EnvelopeReceiver::Make(world_.plan.plan, header, hpke_, sealed_head);
  if (!receiver.ok()) return Refuse("seal_broken", out);
  ++begins_;
  if (restarts) Discard();
  weight_ = receiver->head().weight;
  model_key_ = ToBytes(receiver->head().model_key.span());
  receiver_.emplace(*std::move(receiver));
  sequence_max_ = header.sequence;
  header_ = *std::move(opened);
  TellWhere(out);
}

void SimulatedAggregator::OnChunk(const Chunk& chunk, ByteSpan sealed, Messages& out) {
  if (committed()) return TellWhere(out);
  if (!receiver_.has_value() || chunk.index != next_) {
    Refuse("chunk_out_of_order", out);
    return TellWhere(out);
  }
  const uint64_t sealed_chunk_bytes = world_.plan.plan.chunk_bytes + kAeadTagSize;
  for (; !sealed.empty(); ++next_) {
    const ByteSpan one = sealed.first(std::min<uint64_t>(sealed.size(), sealed_chunk_bytes));
    sealed.remove_prefix(one.size());
    Bytes plain(one.size() - kAeadTagSize);
    if (!receiver_->OpenChunk(next_, one, absl::MakeSpan(plain)).ok()) {
      Refuse("seal_broken", out);
      return TellWhere(out);
    }
    Append(payload_, plain);
    Append(tags_, one.last(kAeadTagSize));
  }
  if (next_ == receiver_->chunk_count()) {
    if (broken.has_value()) {
      next_ = *std::exchange(broken, std::nullopt);
      payload_.resize(next_ * world_.plan.plan.chunk_bytes);
      tags_.resize(next_ * kAeadTagSize);
      Refuse("seal_broken", out);
    } else {
      Commit();
    }
  }
  TellWhere(out);
}

void SimulatedAggregator::Commit() {
  entry_ = LogEntry{.plan = binding_.plan,
                    .round = binding_.round,
                    .attempt = binding_.attempt,
                    .participant = header_->header.participant,
                    .index = 0,
                    .header = header_->digest,
                    .tags = Sha256(tags_)};
  if (alter_entry) alter_entry(*entry_);
  receipt_ = SignReceipt(*entry_, receipt_key != nullptr ? *receipt_key : record_key_);
}

void SimulatedAggregator::TellWhere(Messages& out) const {
  if (committed()) return Answer(ReceiptMessage{.receipt = receipt_}, out);
  Progress progress{.round = binding_.round,
                    .attempt = binding_.attempt,
                    .sequence = 0,
                    .header = {},
                    .next = next_,
                    .credit = credit};
  if (header_.has_value()) {
    progress.sequence = header_->header.sequence;
    progress.header = header_->digest;
  }
  Answer(progress, out);
}

void SimulatedAggregator::Discard() {
  receiver_.reset();
  header_.reset();
  payload_.clear();
  tags_.clear();
  next_ = 0;
}

}  // namespace sealfold::testing_world
