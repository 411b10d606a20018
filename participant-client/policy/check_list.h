// Everything that was looked at before trusting something, in the order looked at, and why it
// failed.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_POLICY_CHECK_LIST_H_
#define SEALFOLD_PARTICIPANT_CLIENT_POLICY_CHECK_LIST_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attest/verifier.h"

namespace sealfold {

// A list that goes on after a failure, so that a person sees all of it. Value type.
class CheckList {
 public:
  // `code` names the failure (a check may have several); empty: the check's own name.
  void Add(Check check, std::string code = "", std::string advice = "");
  // The evidence's own checks, and its caveat.
  void Add(const Verdict& verdict);
  void Add(const CheckList& more);
  // A check called `name` that passes when `status` is OK and otherwise fails with that status.
  void Add(std::string name, std::string expected, const absl::Status& status);

  const std::vector<Check>& checks() const { return checks_; }
  // What evidence like this does not prove; every output that relies on the list shows it.
  const std::string& caveat() const { return caveat_; }
  // True if there is a check and all passed.
  bool passed() const { return !checks_.empty() && failure_.ok(); }
  // OK, or why the first check failed; PermissionDenied "nothing_checked" for an empty list.
  absl::Status status() const;

 private:
  void Fail(absl::Status status);

  std::vector<Check> checks_;
  std::string caveat_;
  absl::Status failure_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_POLICY_CHECK_LIST_H_
