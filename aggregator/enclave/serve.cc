#include "aggregator/enclave/serve.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/enclave/attester_thread.h"
#include "aggregator/enclave/worker_pool.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/message/state_message.h"
#include "protocol/program/steady_clock.h"

namespace sealfold {
namespace {

constexpr int kMessagesPerTurn = 64;  // then stop, connections and time are looked at again
constexpr uint64_t kWaitMsMax = 60'000;

// What of a message to the host is worth a line; "" if nothing.
std::string FactOf(const Message& message) {
  const absl::StatusOr<std::string> type = cbor::PeekType(message.head);
  SEALFOLD_CHECK(type.ok());
  if (*type == RefusedMessage::kType) {
    const auto refused = cbor::DecodeFields<RefusedMessage>(message.head);
    return absl::StrCat("refused to the host: ", refused->what, " [", refused->code, "]");
  }
  if (*type == Failed::kType) {
    const auto failed = cbor::DecodeFields<Failed>(message.head);
    return absl::StrCat("round ", failed->round.value(), " attempt ", failed->attempt.value(),
                        " ended without a result: ", failed->reason, " [", failed->code, "]");
  }
  if (*type == Finished::kType) {
    const auto finished = cbor::DecodeFields<Finished>(message.head);
    return absl::StrCat("round ", finished->round.value(), " finished, its keys erased");
  }
  if (*type == StateClosed::kType) {
    const auto closed = cbor::DecodeFields<StateClosed>(message.head);
    return absl::StrCat("its state stays closed: ", closed->reason, " [", closed->code, "]");
  }
  if (*type == KeepState::kType) {
    const auto kept = cbor::DecodeFields<KeepState>(message.head);
    return absl::StrCat("state after round ", kept->round, " given to the host, sealed");
  }
  if (*type == RoundState::kType) {
    const auto round = cbor::DecodeFields<RoundState>(message.head);
    if (round->committed.empty()) return "";
    return absl::StrCat("round ", round->round.value(), " attempt ", round->attempt.value(), ": ",
                        round->updates, " committed");
  }
  return "";
}

}  // namespace

void Serve(HostLink& link, Attester& attester, const std::string& version, int stop_fd,
           absl::FunctionRef<void(absl::string_view line)> note, KeyLink* keys) {
  WorkerPool workers(std::max(1U, std::thread::hardware_concurrency()));
  AttesterThread evidence(attester);
  Aggregator aggregator(version, std::string(attester.platform()), FoldMeans{.workers = workers},
                        keys != nullptr);
  const auto draw_seed = [] { return RandomSecret(kRoundSeedSize); };

  // False: asked to stop.
  const auto perform = [&](Actions actions) {
    while (true) {
      Actions more;
      for (Action& action : actions) {
        if (auto* ask = std::get_if<AskEvidence>(&action)) {
          evidence.Ask(std::move(*ask));
          continue;
        }
        const auto& send = std::get<SendMessage>(action);
        if (send.session.empty()) {
          if (const std::string fact = FactOf(send.message); !fact.empty()) note(fact);
        }
        if (!link.Send(send, stop_fd)) return false;
      }
      if (keys != nullptr) {
        if (std::optional<AskStateKey> ask = aggregator.TakeKeyQuestion()) {
          keys->Ask(*std::move(ask), more);
        }
        if (std::optional<KeyLink::Answer> answer = keys->TakeAnswer()) {
          if (answer->key.ok()) note("the key service released the key of its state");
          aggregator.OnStateKey(answer->token, std::move(answer->key), SteadyMs(), draw_seed, more);
        }
      }
      if (more.empty()) return true;
      actions = std::move(more);
    }
  };
  const auto key_fd = [keys] { return keys != nullptr ? keys->fd() : -1; };

  while (true) {
    const uint64_t now_ms = SteadyMs();
    const uint64_t tick_ms = aggregator.next_tick_ms();
    uint64_t wait_ms = 0;  // after a tick others may be due, but messages are heard in between
    if (tick_ms <= now_ms) {
      Actions actions;
      aggregator.OnTick(now_ms, actions);
      if (!perform(std::move(actions))) return;
    } else {
      wait_ms = std::min(tick_ms - now_ms, kWaitMsMax);
    }
    const HostLink::Woken woken = link.Wait(stop_fd, {evidence.ready_fd(), key_fd()}, wait_ms);
    if (woken.stop) return;
    Actions actions;
    if (woken.connected) {
      if (keys != nullptr) keys->OnHostConnected(actions);
      aggregator.Announce(actions);
    }
    while (std::optional<AttesterThread::Answer> answer = evidence.Take()) {
      aggregator.OnEvidence(answer->token, std::move(answer->evidence), SteadyMs(), actions);
    }
    if (key_fd() >= 0) keys->OnReadable(actions);
    if (!perform(std::move(actions))) return;
    for (int i = 0; i < kMessagesPerTurn; ++i) {
      std::optional<SendMessage> received = link.Receive();
      if (!received.has_value()) break;
      Actions answers;
      if (keys == nullptr || !received->session.empty() ||
          !keys->OnHost(received->message, answers)) {
        aggregator.OnMessage(received->session, received->message, SteadyMs(), draw_seed, answers);
      }
      if (!perform(std::move(answers))) return;
    }
  }
}

}  // namespace sealfold
