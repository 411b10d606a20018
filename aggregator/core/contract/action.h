// What the round's state machines want done: they do nothing themselves.
#ifndef SEALFOLD_AGGREGATOR_CORE_CONTRACT_ACTION_H_
#define SEALFOLD_AGGREGATOR_CORE_CONTRACT_ACTION_H_

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/base/bytes.h"
#include "protocol/cbor/fields.h"
#include "protocol/message/message.h"

namespace sealfold {

// A message to a participant's session, or, with an empty `session`, to the host. A session is
// whatever bytes the host put before the message that this answers; it proves nothing about who is
// there.
struct SendMessage {
  Bytes session;
  Message message;
};

// Evidence about this process, to be handed back as OnEvidence(token, ...).
struct AskEvidence {
  uint64_t token = 0;
  Bytes nonce;
  Bytes user_data;
  Bytes public_key;
};

using Action = std::variant<SendMessage, AskEvidence>;
using Actions = std::vector<Action>;  // to be done in this order

// `bulk` is moved; clang-tidy does not see it in a template.
template <class M>
// NOLINTNEXTLINE(performance-unnecessary-value-param)
void Send(Actions& actions, const Bytes& session, const M& message, SharedBytes bulk = {}) {
  actions.push_back(
      SendMessage{.session = session,
                  .message = {.head = cbor::EncodeFields(message), .bulk = std::move(bulk)}});
}

template <class M>
void SendHost(Actions& actions, const M& message, SharedBytes bulk = {}) {
  Send(actions, {}, message, std::move(bulk));
}

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CONTRACT_ACTION_H_
