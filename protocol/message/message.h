// What the programs say to one another (docs/PROTOCOL.md, "Messages"). A message is a head
// (deterministic CBOR with a "type") and an optional bulk of raw bytes; a transport carries the two
// as they are.
//
//   participant -> host          status, get                     host -> participant   run, part,
//   refused participant -> aggregator    hello, begin, chunk, query      aggregator -> it offer,
//   progress, receipt, refused host -> aggregator           start, close, base, inspect aggregator
//   -> host    ready, round, want-base, model,
//                                                                                      finished,
//                                                                                      failed
// The host relays what is addressed to the aggregator without reading more than the type.
#ifndef SEALFOLD_PROTOCOL_MESSAGE_MESSAGE_H_
#define SEALFOLD_PROTOCOL_MESSAGE_MESSAGE_H_

#include <optional>
#include <string>
#include <utility>

#include "protocol/base/shared_bytes.h"
#include "protocol/base/types.h"
#include "protocol/cbor/fields.h"
#include "protocol/envelope/binding.h"
#include "protocol/envelope/nonce_batch.h"

namespace sealfold {

inline constexpr size_t kMessageHeadBytesMax = 64u << 10;        // of a message from a participant
inline constexpr size_t kMessageBulkBytesMax = (1u << 20) + 64;  // 1 MiB of payload, up to 4 tags
inline constexpr size_t kPartBytesMax = 1u << 20;  // of a file, per `part`, `base` or `model`

struct Message {
  Bytes head;
  SharedBytes bulk;
};

// Requires: M has Fields and kType.
template <class M>
Message ToMessage(const M& message, SharedBytes bulk = {}) {
  Message out;
  out.head = cbor::EncodeFields(message);
  out.bulk = std::move(bulk);
  return out;
}

// --- participant and host

// Asks for the run's state; the host answers when its version passes `after` or after a while.
struct StatusRequest {
  static constexpr char kType[] = "status";
  uint64_t after = 0;
  template <class V>
  void Fields(V& v) {
    v("after", after);
  }
};

enum class RunPhase { kIdle, kRound, kDone, kFailed };
absl::Span<const char* const> CborEnumNames(RunPhase);  // "idle", "round", "done", "failed"

// Untrusted information of the host's: every claim that matters is checked elsewhere.
struct RunStatus {
  static constexpr char kType[] = "run";
  uint64_t version = 0;
  RunPhase phase = RunPhase::kIdle;
  std::optional<Digest> plan;
  uint64_t round = 0;  // current; 0 before the first
  uint64_t attempt = 0;
  uint64_t records = 0;     // rounds published
  uint64_t updates = 0;     // committed in this attempt
  bool aggregator = false;  // whether one is connected
  std::string detail;       // for people
  template <class V>
  void Fields(V& v) {
    v("version", version);
    v("phase", phase);
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("records", records);
    v("updates", updates);
    v("aggregator", aggregator);
    v("detail", detail);
  }
};

enum class FileKind { kPlan, kRecord, kModel };
absl::Span<const char* const> CborEnumNames(FileKind);  // "plan", "record", "model"

// A part of a public file. Models: round 0 is the initial one.
struct GetRequest {
  static constexpr char kType[] = "get";
  FileKind what = FileKind::kPlan;
  uint64_t round = 0;
  uint64_t offset = 0;
  template <class V>
  void Fields(V& v) {
    v("what", what);
    v("round", round);
    v("offset", offset);
  }
};
struct Part {  // bulk: at most kPartBytesMax bytes from `offset`
  static constexpr char kType[] = "part";
  FileKind what = FileKind::kPlan;
  uint64_t round = 0;
  uint64_t offset = 0;
  uint64_t total = 0;
  template <class V>
  void Fields(V& v) {
    v("what", what);
    v("round", round);
    v("offset", offset);
    v("total", total);
  }
};

// Anyone's refusal; `code` is the stable name.
struct RefusedMessage {
  static constexpr char kType[] = "refused";
  std::string code;
  std::string what;
  std::string expected;
  std::string found;
  std::string advice;
  template <class V>
  void Fields(V& v) {
    v("code", code);
    v("what", what);
    v("expected", expected);
    v("found", found);
    v("advice", advice);
  }
  static RefusedMessage Of(const absl::Status& status);
  // PermissionDenied with this explanation.
  absl::Status ToStatus() const;
};

// --- participant and aggregator

struct Hello {
  static constexpr char kType[] = "hello";
  Digest plan;
  SigningPublicKey participant;
  SessionNonce nonce;
  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("participant", participant);
    v("nonce", nonce);
  }
};

// Of a release that travels beside evidence (attest/release): it says itself who signed it.
inline constexpr size_t kOfferedReleaseBytesMax = 16u << 10;

struct Offer {
  static constexpr char kType[] = "offer";
  Binding binding;
  SealingPublicKey hpke_key;
  std::string platform;
  Bytes evidence;
  std::optional<NoncePath> batch = {};  // absent: made for this hello alone
  std::optional<Bytes> identity = {};   // as in the record: envelope/identity.h
  std::optional<Bytes> release = {};    // the host's word: a release file, kOfferedReleaseBytesMax
  template <class V>
  void Fields(V& v) {
    v("binding", binding);
    v("hpke_key", hpke_key);
    v("platform", platform);
    v("evidence", evidence);
    v("batch", batch);
    v("identity", identity);
    v("release", release);
  }
};

struct Begin {  // bulk: the sealed head
  static constexpr char kType[] = "begin";
  Bytes header;  // signed EnvelopeHeader
  template <class V>
  void Fields(V& v) {
    v("header", header);
  }
};

// bulk: one sealed chunk or several that follow one another, from `index` on.
struct Chunk {
  static constexpr char kType[] = "chunk";
  SigningPublicKey participant;
  uint64_t index = 0;
  template <class V>
  void Fields(V& v) {
    v("participant", participant);
    v("index", index);
  }
};

// Where does the participant's upload stand?
struct Query {
  static constexpr char kType[] = "query";
  Digest plan;
  SigningPublicKey participant;
  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("participant", participant);
  }
};

// The answer to begin, chunk and query while an upload is under way.
struct Progress {
  static constexpr char kType[] = "progress";
  Round round;
  Attempt attempt;
  uint64_t sequence = 0;         // the greatest of a header accepted in this attempt; 0: none
  std::optional<Digest> header;  // digest of the header in force; none: begin from chunk 0
  uint64_t next = 0;             // the chunk expected next
  uint64_t credit =
      0;  // how many chunks from `next` on may be under way; 0: wait for another progress
  template <class V>
  void Fields(V& v) {
    v("round", round);
    v("attempt", attempt);
    v("sequence", sequence);
    v("header", header);
    v("next", next);
    v("credit", credit);
  }
};

struct ReceiptMessage {
  static constexpr char kType[] = "receipt";
  Bytes receipt;  // record/record.h
  template <class V>
  void Fields(V& v) {
    v("receipt", receipt);
  }
};

// --- host and aggregator

struct Ready {  // sent on connecting: an aggregator without a round, or with the one named
  static constexpr char kType[] = "ready";
  std::string version;
  std::optional<Digest> plan;
  uint64_t round = 0;
  uint64_t attempt = 0;
  template <class V>
  void Fields(V& v) {
    v("version", version);
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
  }
};

struct StartRound {
  static constexpr char kType[] = "start";
  Bytes plan;  // signed
  Round round;
  Attempt attempt;
  std::optional<Bytes> previous;  // the previous round's signed record
  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("previous", previous);
  }
};

struct CloseRound {  // end early, if the plan allows and there is quorum
  static constexpr char kType[] = "close";
  template <class V>
  void Fields(V&) {}
};

struct Inspect {  // asks for `ready` and, in a round, `round`
  static constexpr char kType[] = "inspect";
  template <class V>
  void Fields(V&) {}
};

struct RoundState {  // sent on every change, for display and control
  static constexpr char kType[] = "round";
  Round round;
  Attempt attempt;
  uint64_t updates = 0;  // committed
  uint64_t chunks = 0;   // taken, of all participants
  uint64_t staged_bytes = 0;
  uint64_t refused = 0;  // messages refused so far
  // Those committed since the last `round` message; after `inspect` or `start`, all, in several
  // messages if many.
  std::vector<SigningPublicKey> committed;
  template <class V>
  void Fields(V& v) {
    v("round", round);
    v("attempt", attempt);
    v("updates", updates);
    v("chunks", chunks);
    v("staged_bytes", staged_bytes);
    v("refused", refused);
    v("committed", committed);
  }
};

struct WantBase {  // aggregator asks for a part of the base model file (as the host stores it)
  static constexpr char kType[] = "want-base";
  uint64_t offset = 0;
  uint64_t length = 0;
  template <class V>
  void Fields(V& v) {
    v("offset", offset);
    v("length", length);
  }
};
struct Base {  // bulk: the bytes
  static constexpr char kType[] = "base";
  uint64_t offset = 0;
  template <class V>
  void Fields(V& v) {
    v("offset", offset);
  }
};

struct ModelPart {  // bulk: bytes of the new model file, in order from 0
  static constexpr char kType[] = "model";
  uint64_t offset = 0;
  template <class V>
  void Fields(V& v) {
    v("offset", offset);
  }
};

struct Finished {  // bulk: the record file; the model parts before it are now public
  static constexpr char kType[] = "finished";
  Round round;
  template <class V>
  void Fields(V& v) {
    v("round", round);
  }
};

struct Failed {  // the attempt ended without a result; nothing was published
  static constexpr char kType[] = "failed";
  Round round;
  Attempt attempt;
  std::string code;
  std::string reason;
  template <class V>
  void Fields(V& v) {
    v("round", round);
    v("attempt", attempt);
    v("code", code);
    v("reason", reason);
  }
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MESSAGE_MESSAGE_H_
