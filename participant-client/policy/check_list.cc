#include "participant-client/policy/check_list.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

void CheckList::Fail(absl::Status status) {
  if (failure_.ok()) failure_ = std::move(status);
}

void CheckList::Add(Check check, std::string code, std::string advice) {
  if (!check.passed) {
    Fail(Refused({.code = code.empty() ? check.name : std::move(code),
                  .what = absl::StrCat("check '", check.name, "'"),
                  .expected = check.expected,
                  .found = check.found,
                  .advice = std::move(advice)}));
  }
  checks_.push_back(std::move(check));
}

void CheckList::Add(const Verdict& verdict) {
  checks_.insert(checks_.end(), verdict.checks.begin(), verdict.checks.end());
  if (!verdict.caveat.empty()) caveat_ = verdict.caveat;
  // A verdict without any check is a failure too.
  if (!verdict.passed()) Fail(verdict.status());
}

void CheckList::Add(const CheckList& more) {
  checks_.insert(checks_.end(), more.checks_.begin(), more.checks_.end());
  if (!more.caveat_.empty()) caveat_ = more.caveat_;
  if (!more.failure_.ok()) Fail(more.failure_);
}

void CheckList::Add(std::string name, std::string expected, const absl::Status& status) {
  Check check{
      .name = std::move(name), .expected = std::move(expected), .found = {}, .passed = status.ok()};
  if (status.ok()) {
    check.found = check.expected;
  } else {
    Explanation why = Explain(status);
    check.found = why.found.empty() ? why.what : absl::StrCat(why.what, ": ", why.found);
    Fail(status);
  }
  checks_.push_back(std::move(check));
}

absl::Status CheckList::status() const {
  if (checks_.empty() && failure_.ok()) {
    return Refused(
        {.code = "nothing_checked", .what = "checks", .expected = "some", .found = "none"});
  }
  return failure_;
}

}  // namespace sealfold
