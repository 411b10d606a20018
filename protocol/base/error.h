// Errors that a peer or a user can cause, told as: what failed, expected, found, what to do.
//
// Every such error is an absl::Status whose code says what kind of thing went wrong (and with it a
// program's exit code, see protocol/program/program.h) and which carries an `Explanation`. The
// `code` of an explanation is a stable name, e.g. "chunk_out_of_order": tests, peers and scripts
// match on it.
#ifndef SEALFOLD_PROTOCOL_BASE_ERROR_H_
#define SEALFOLD_PROTOCOL_BASE_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sealfold {

struct Explanation {
  std::string code = {};      // stable name in snake_case
  std::string what = {};      // the thing that was looked at
  std::string expected = {};  // may be empty
  std::string found = {};     // may be empty; never secret data
  std::string advice = {};    // what to do; may be empty
};

// The input itself is malformed or violates a stated rule: InvalidArgument, exit code 5.
absl::Status BadInput(const Explanation& explanation);
// Policy, evidence, a signature or a state of the round refuses it: PermissionDenied, exit code 3.
absl::Status Refused(const Explanation& explanation);
// A peer or the network: Unavailable, exit code 4.
absl::Status PeerError(const Explanation& explanation);

// The explanation that `status` carries; for a status made elsewhere, one with its message as
// `what`. Requires: !status.ok().
Explanation Explain(const absl::Status& status);

// The same error, its `what` preceded by "SUBJECT: ", such as the file that was read. OK stays OK.
absl::Status About(absl::string_view subject, const absl::Status& status);

// The explanation's code, or "" for an OK status.
std::string ErrorCode(const absl::Status& status);

}  // namespace sealfold

// Returns the Status of `expr` if it is not OK.
#define SEALFOLD_RETURN_IF_ERROR(expr)                   \
  do {                                                   \
    absl::Status sealfold_status_ = (expr);              \
    if (!sealfold_status_.ok()) return sealfold_status_; \
  } while (false)

#define SEALFOLD_CONCAT_INNER_(a, b) a##b
#define SEALFOLD_CONCAT_(a, b) SEALFOLD_CONCAT_INNER_(a, b)
// SEALFOLD_ASSIGN_OR_RETURN(auto x, F()): the value of F(), or a return of its Status.
#define SEALFOLD_ASSIGN_OR_RETURN(lhs, expr) \
  SEALFOLD_ASSIGN_OR_RETURN_(SEALFOLD_CONCAT_(sealfold_or_, __LINE__), lhs, expr)
// NOLINTBEGIN(bugprone-macro-parentheses): tmp and lhs are declared here, a declaration takes none
#define SEALFOLD_ASSIGN_OR_RETURN_(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return tmp.status();              \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)

// SEALFOLD_CHECK(condition): must hold whatever a peer does; a failure is a bug of ours. In every
// build.
#define SEALFOLD_CHECK(condition) \
  (static_cast<bool>(condition) ? (void)0 : ::sealfold::CheckFailed(#condition, __FILE__, __LINE__))

namespace sealfold {
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);
}

#endif  // SEALFOLD_PROTOCOL_BASE_ERROR_H_
