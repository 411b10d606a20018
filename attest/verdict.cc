#include <algorithm>

#include "absl/strings/str_cat.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string Advice(absl::string_view check) {
  if (check == "registers") {
    return "this is not a program that the policy accepts: send nothing, or add its measurement to "
           "the policy once you have checked the build yourself";
  }
  if (check == "freshness") return "compare this machine's clock, then ask for new evidence";
  if (check == "debug") return "the aggregator's machine must be started without debug mode";
  if (check == "platform") return "name a platform that this program was built with";
  if (check == "policy") return "correct the policy";
  if (check == "revocation") {
    return "send nothing; where the list is at fault, put a newer one into the policy, else tell "
           "who runs the aggregator";
  }
  if (check == "revocation_coverage") {
    return "send nothing before the policy has the lists of the issuers that have none";
  }
  return "send nothing; tell who runs the aggregator";
}

}  // namespace

bool Verdict::passed() const {
  return !checks.empty() &&
         std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.passed; });
}

absl::Status Verdict::status() const {
  for (const Check& check : checks) {
    if (check.passed) continue;
    return Refused({.code = absl::StrCat("evidence_", check.name),
                    .what = absl::StrCat("evidence, check '", check.name, "'"),
                    .expected = check.expected,
                    .found = check.found,
                    .advice = Advice(check.name)});
  }
  if (checks.empty()) {
    return Refused({.code = "evidence_unchecked",
                    .what = "evidence",
                    .expected = "checks that pass",
                    .found = "none made"});
  }
  return absl::OkStatus();
}

}  // namespace sealfold
