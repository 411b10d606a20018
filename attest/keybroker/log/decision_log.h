// Every decision of the broker, in a file of one JSON object a line. A line has the SHA-256 of the
// line before it, so that none can be changed, taken out or put in without all after it.
#ifndef SEALFOLD_ATTEST_KEYBROKER_LOG_DECISION_LOG_H_
#define SEALFOLD_ATTEST_KEYBROKER_LOG_DECISION_LOG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

struct Decision {
  uint64_t time_ms = 0;
  std::string caller = {};  // a caller's name; empty where it is not known
  std::string operation = {};
  std::string key = {};       // an id; empty where there is none
  std::string name = {};      // of a key or caller that was changed
  std::string evidence = {};  // SHA-256 of the document, hex; empty where there is none
  std::string platform = {};  // these two where its signature held
  std::map<uint32_t, std::string> registers = {};  // index -> hex; all-zero ones left out
  std::string caveat = {};                         // of evidence that says nothing of the machine
  bool allowed = false;
  std::string reason = {};  // the code of a refusal
  uint64_t unlogged = 0;    // requests that nobody signed, refused since the line before
};

// The lines so far.
class DecisionChain {
 public:
  // The line that says `decision`, without its end, not yet added.
  std::string Line(const Decision& decision) const;
  // InvalidArgument, code "log_broken", with the line's number, unless it follows those before it
  // and is written as Line writes.
  absl::Status Add(absl::string_view line);
  uint64_t size() const { return size_; }
  // The digest of the last line; of none: zero.
  const Digest& head() const { return head_; }

 private:
  uint64_t size_ = 0;
  Digest head_;
};

// Reads the log at `path`. InvalidArgument: "file_unusable", "log_broken", "log_unfinished" (the
// last line has no end), or, where `known_head` is given, "log_head_missing" unless some line has
// that digest.
absl::StatusOr<DecisionChain> VerifyDecisionLog(const std::string& path,
                                                const std::optional<Digest>& known_head);

// The log being written. One at a time holds the file. Moves, does not copy.
class DecisionLog {
 public:
  // Makes the file where there is none, else verifies it; a last line without an end, whose answer
  // was never given, is cut off. InvalidArgument as VerifyDecisionLog, and "log_in_use".
  static absl::StatusOr<DecisionLog> Open(const std::string& path);
  // On disk when this returns OK.
  absl::Status Append(const Decision& decision);
  const DecisionChain& chain() const { return chain_; }

 private:
  DecisionLog(std::string path, UniqueFd file, DecisionChain chain)
      : path_(std::move(path)), file_(std::move(file)), chain_(chain) {}
  std::string path_;
  UniqueFd file_;
  DecisionChain chain_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_LOG_DECISION_LOG_H_
