#include "aggregator/core/testing/sample_host.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold::testing {
namespace {

Bytes SessionOf(size_t party) { return ToBytes(AsBytes(absl::StrCat("s", party))); }
size_t PartyOf(const Bytes& session) { return std::stoul(std::string(AsText(session).substr(1))); }

}  // namespace

std::string TypeOf(const Message& message) {
  absl::StatusOr<std::string> type = cbor::PeekType(message.head, {.size_bytes_max = 64u << 20});
  SEALFOLD_CHECK(type.ok());
  return *type;
}

Bytes SampleEvidence(const AskEvidence& ask) {
  Bytes out = ask.nonce;
  Append(out, ask.user_data);
  Append(out, ask.public_key);
  return out;
}

SampleHost::SampleHost(const SampleRun& sample, Options options)
    : run(sample), base_file(options.base_file.empty() ? sample.base_model : options.base_file) {
  Actions actions;
  const SigningKey identity = SigningKey::FromSeed(SeedOf("identity"));
  absl::StatusOr<std::unique_ptr<RoundMachine>> started =
      RoundMachine::Start(options.start,
                          {.seed = std::move(options.seed),
                           .base_key = std::move(options.base_key),
                           .platform = "test",
                           .fold = options.fold,
                           .identity = &identity},
                          now_ms, actions);
  SEALFOLD_CHECK(started.ok());
  round = *std::move(started);
  Do(std::move(actions));
}

void SampleHost::Do(Actions actions) {
  while (!actions.empty()) {
    Actions more;
    for (Action& action : actions) {
      if (auto* ask = std::get_if<AskEvidence>(&action)) {
        absl::StatusOr<Bytes> evidence = SampleEvidence(*ask);
        if (!answer_evidence)
          evidence = PeerError({.code = "evidence_unavailable", .what = "device"});
        round->OnEvidence(ask->token, std::move(evidence), now_ms, more);
        continue;
      }
      auto& send = std::get<SendMessage>(action);
      if (send.session.empty()) {
        DoHost(send.message);
      } else {
        inbox[PartyOf(send.session)].push_back(std::move(send.message));
      }
    }
    if (answer_base) {
      for (const Message& asked : std::exchange(base_parts_, {})) {
        if (round->over()) break;
        const auto want = As<WantBase>(asked);
        const ByteSpan file(base_file);
        const size_t offset = std::min<size_t>(want.offset, file.size());
        round->OnBase(want.offset, file.subspan(offset, want.length), now_ms, more);
      }
    }
    actions = std::move(more);
  }
}

void SampleHost::DoAndFold(Actions actions) {
  Do(std::move(actions));
  while (fold_at_once && !round->over() && round->folding() > 0) {
    now_ms = std::max(now_ms, round->next_tick_ms());
    Actions folded;
    round->OnTick(now_ms, folded);
    Do(std::move(folded));
  }
}

void SampleHost::DoHost(const Message& message) {
  const std::string type = TypeOf(message);
  if (type == WantBase::kType) {
    base_parts_.push_back(message);
  } else if (type == ModelPart::kType) {
    const uint64_t offset = As<ModelPart>(message).offset;
    if (offset == 0) model_file.clear();
    SEALFOLD_CHECK(offset == model_file.size());
    Append(model_file, message.bulk);
  } else if (type == Finished::kType) {
    absl::StatusOr<RecordFile> file = DecodeRecordFile(message.bulk);
    SEALFOLD_CHECK(file.ok());
    record_file = *std::move(file);
  } else if (type == Failed::kType) {
    failed = As<Failed>(message);
  } else if (type == RefusedMessage::kType) {
    host_refusals.push_back(As<RefusedMessage>(message).code);
  }
  to_host.push_back(message);
}

std::vector<Message> SampleHost::Say(size_t party, const Message& message) {
  inbox[party].clear();
  Actions actions;
  round->OnMessage(SessionOf(party), message, now_ms, actions);
  DoAndFold(std::move(actions));
  return inbox[party];
}

std::string SampleHost::SayOne(size_t party, const Message& message) {
  const std::vector<Message> answers = Say(party, message);
  if (answers.size() != 1) return absl::StrCat(answers.size(), " answers");
  const std::string type = TypeOf(answers[0]);
  return type == RefusedMessage::kType ? As<RefusedMessage>(answers[0]).code : type;
}

std::string SampleHost::Code(size_t party, const Message& message) {
  for (const Message& answer : Say(party, message)) {
    if (TypeOf(answer) == RefusedMessage::kType) return As<RefusedMessage>(answer).code;
  }
  return "";
}

Message SampleHost::HelloOf(size_t party) const {
  return Encode(Hello{.plan = run.signed_plan.digest,
                      .participant = run.parties.at(party).key.public_key(),
                      .nonce = *SessionNonce::From(SeedOf("nonce", party).span())});
}

Message SampleHost::QueryOf(size_t party) const {
  return Encode(
      Query{.plan = run.signed_plan.digest, .participant = run.parties.at(party).key.public_key()});
}

Offer SampleHost::GetOffer(size_t party) {
  const std::vector<Message> answers = Say(party, HelloOf(party));
  SEALFOLD_CHECK(answers.size() == 1);
  return As<Offer>(answers[0]);
}

Bytes SampleHost::Upload(size_t party, const SampleUpdate& update, Secret model_key) {
  SampleSender sender(run, party, GetOffer(party), update, {.model_key = std::move(model_key)});
  Say(party, sender.begin());
  std::vector<Message> answers;
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) answers = Say(party, sender.chunk(i));
  SEALFOLD_CHECK(answers.size() == 1);
  return As<ReceiptMessage>(answers[0]).receipt;
}

void SampleHost::Close() {
  Actions actions;
  round->OnClose(now_ms, actions);
  DoAndFold(std::move(actions));
}

void SampleHost::Inspect() {
  Actions actions;
  round->OnInspect(now_ms, actions);
  DoAndFold(std::move(actions));
}

void SampleHost::Tick(uint64_t at_ms) {
  now_ms = at_ms;
  Actions actions;
  round->OnTick(now_ms, actions);
  DoAndFold(std::move(actions));
}

}  // namespace sealfold::testing
