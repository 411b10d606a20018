#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/report/describe_evidence.h"
#include "participant-client/program/describe.h"
#include "participant-client/program/report.h"
#include "participant-client/program/verb.h"
#include "participant-client/record/record_judgement.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/json/load.h"
#include "protocol/model/mapped_file.h"

namespace sealfold {
namespace {

struct InspectOptions {
  std::string path;
  std::string policy_path;
};

std::string TypeOf(ByteSpan bytes) {
  auto type = cbor::PeekType(bytes, {.size_bytes_max = kRecordFileBytesMax, .items_max = 2u << 20});
  return type.ok() ? *type : "";
}

absl::StatusOr<Description> DescribeText(const std::string& path, absl::string_view text) {
  // A key file is read without JSON's tree, which would leave copies of the secret behind.
  if (absl::StrContains(text, "sealfold-key-1") || absl::StrContains(text, "sealfold-public-1")) {
    return DescribeKey(path, text);
  }
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(path));
  return DescribePolicy(policy);
}

// What the file is, found by looking at it.
absl::StatusOr<Description> Describe(const std::string& path, ByteSpan bytes) {
  if (!bytes.empty() && bytes[0] == '{' && bytes.size() <= kJsonBytesMax) {
    return DescribeText(path, AsText(bytes));
  }
  if (bytes.size() <= kRecordFileBytesMax) {
    const std::string type = TypeOf(bytes);
    if (type == RecordFile::kType) {
      SEALFOLD_ASSIGN_OR_RETURN(RecordFile file, DecodeRecordFile(bytes));
      return DescribeRecord(file);
    }
    if (type == ReceiptProof::kType) {
      SEALFOLD_ASSIGN_OR_RETURN(ReceiptProof proof, cbor::DecodeFields<ReceiptProof>(bytes));
      return DescribeReceipt(proof);
    }
    if (auto plan = OpenPlan(bytes); plan.ok()) return DescribePlan(*plan);
    if (auto evidence = DescribeEvidence(bytes); evidence.ok()) return evidence;
  }
  if (auto header = SafetensorsHeader::Parse(bytes, bytes.size()); header.ok()) {
    return DescribeSafetensors(*header, bytes.size());
  }
  return BadInput(
      {.code = "file_unknown",
       .what = absl::StrCat("file ", path),
       .expected = "a plan, record, receipt, attestation document, safetensors file, policy or key",
       .found = "none of these, or a damaged one"});
}

// With a policy: the checks that can be made of this file alone.
absl::Status Judge(const Description& description, ByteSpan bytes, const Policy& policy,
                   const Output& output) {
  CheckList checks;
  if (description.kind == "record") {
    checks = JudgeRecord(bytes, policy, std::nullopt).checks;
  } else if (description.kind == "evidence") {
    // Looked at later than it was made: its own time counts, and nobody's nonce is expected.
    checks.Add(VerifyEvidence(bytes, policy.evidence, {.check_freshness = false}));
  } else if (description.kind == "plan") {
    SEALFOLD_ASSIGN_OR_RETURN(SignedPlan plan, OpenPlan(bytes));
    checks = CheckPlanAgainstPolicy(plan, policy, std::nullopt);
  } else {
    return absl::OkStatus();
  }
  PrintChecks(output, "by the policy", checks);
  return checks.status();
}

absl::Status InspectFile(const InspectOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(options.path));
  SEALFOLD_ASSIGN_OR_RETURN(Description description, Describe(options.path, file.span()));
  PrintDescription(output, description);
  if (options.policy_path.empty()) return absl::OkStatus();
  SEALFOLD_ASSIGN_OR_RETURN(Policy policy, LoadPolicy(options.policy_path));
  return Judge(description, file.span(), policy, output);
}

}  // namespace

void AddInspect(CLI::App& app, Verb& called) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App* verb = app.add_subcommand(
      "inspect", "Explains a file: evidence, plan, record, receipt, model, update, policy or key");
  verb->add_option("file", options->path, "The file")->required();
  verb->add_option(
      "--policy", options->policy_path,
      "Also judges evidence, plan or record by this policy; without it nothing is verified");
  verb->footer("Example:\n  sealfold-participant inspect record-1.cbor --policy policy.json");
  verb->callback([options, &called] {
    called = [options](const Output& output) { return InspectFile(*options, output); };
  });
}

}  // namespace sealfold
