// Tells a person that nothing comes, while a program still tries.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_SILENCE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_SILENCE_H_

#include <cstdint>
#include <functional>

#include "participant-client/net/link.h"

namespace sealfold {

// `make`'s links; `tell` is called in Receive, once for each time that nothing came for `after_ms`:
// since the link was made or since the last message.
LinkFactory TellingSilence(LinkFactory make, uint64_t after_ms, std::function<void()> tell);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_SILENCE_H_
