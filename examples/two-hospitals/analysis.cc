#include "examples/two-hospitals/analysis.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "attest/keyclient/connect.h"
#include "examples/two-hospitals/agreement.h"
#include "examples/two-hospitals/statistics.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_data.h"
#include "protocol/json/json_text.h"

namespace sealfold::two_hospitals {
namespace {

using nlohmann::ordered_json;

constexpr size_t kAgreementSizeMax = 1 << 20;
constexpr size_t kSealedFileSizeMax = kSealedDataBytesMax + (uint64_t{2} << 20);

// Which of the agreement's hospitals the data set is of.
absl::StatusOr<size_t> OwnerOf(const SealedData& data, const Agreement& agreement,
                               const std::string& path) {
  for (size_t i = 0; i < agreement.hospitals.size(); ++i) {
    if (agreement.hospitals[i].key != data.owner) continue;
    if (data.header.terms == agreement.digest) return i;
    return Refused({.code = "terms_other",
                    .what = absl::StrCat("terms of ", path),
                    .expected = absl::StrCat("this agreement, ", agreement.digest.hex()),
                    .found = data.header.terms.hex(),
                    .advice = "give the agreement that the hospital encrypted its data for"});
  }
  return Refused({.code = "owner_unknown",
                  .what = absl::StrCat("signature of ", path),
                  .expected = "by a hospital of the agreement",
                  .found = data.owner.hex()});
}

// The patients of one hospital, as groups: data and key go when this returns.
absl::StatusOr<Groups> OpenGroups(const SealedData& data, const HandedOver& handed,
                                  const std::string& hospital, Attester& attester) {
  const auto& [folder, endpoint] = handed;
  SEALFOLD_ASSIGN_OR_RETURN(
      KeyClient client, ConnectKeyService({.endpoint = endpoint,
                                           .ca_path = absl::StrCat(folder, "/tls.pem"),
                                           .access_key_path = absl::StrCat(folder, "/access.json")},
                                          attester));
  const absl::StatusOr<Secret> key =
      client.Decrypt(data.header.wrapped_key, DataKeyContext(data.owner, data.header.terms));
  if (!key.ok()) return About(hospital, key.status());
  const absl::StatusOr<Secret> clear = data.Open(key->span());
  if (!clear.ok()) return About(hospital, clear.status());
  return ReadGroups(AsText(clear->span()), hospital);
}

absl::StatusOr<std::vector<Groups>> OpenAll(const AnalysisOptions& options,
                                            const Agreement& agreement, Attester& attester,
                                            const Output& output) {
  std::vector<Groups> opened(agreement.hospitals.size());
  std::vector<bool> have(agreement.hospitals.size());
  for (const HandedOver& handed : options.hospitals) {
    const std::string path = absl::StrCat(handed.first, "/data.sealed");
    SEALFOLD_ASSIGN_OR_RETURN(const std::string file, ReadFile(path, kSealedFileSizeMax));
    const absl::StatusOr<SealedData> data = ReadSealedData(AsBytes(file));
    if (!data.ok()) return About(path, data.status());
    SEALFOLD_ASSIGN_OR_RETURN(const size_t i, OwnerOf(*data, agreement, path));
    const std::string& name = agreement.hospitals[i].name;
    SEALFOLD_ASSIGN_OR_RETURN(opened[i], OpenGroups(*data, handed, name, attester));
    have[i] = true;
    output.Line(absl::StrCat(output.Mark(true), " key released by ", name));
  }
  for (size_t i = 0; i < have.size(); ++i) {
    if (have[i]) continue;
    return Refused({.code = "owner_missing",
                    .what = "data sets",
                    .expected = "one of each hospital of the agreement",
                    .found = absl::StrCat("none of ", agreement.hospitals[i].name)});
  }
  return opened;
}

std::string Shown(const ordered_json& value) {
  return value.is_number() ? absl::StrFormat("%.6g", value.get<double>()) : "-";
}

void Print(const ordered_json& result, const Output& output) {
  for (const auto& [group, patients] : result["patients"].items()) {
    output.Line(absl::StrFormat("%-10s %s patients", group,
                                patients.is_null() ? "withheld: too few" : JsonText(patients)));
  }
  output.Line(absl::StrFormat("%-26s %12s %12s %12s %12s %9s %9s", "", "malignant", "sd", "benign",
                              "sd", "t", "d"));
  const auto of = [](const ordered_json& entry, const char* group, const char* what) {
    return entry.contains(group) ? Shown(entry[group][what]) : "-";
  };
  for (const ordered_json& entry : result["measures"]) {
    output.Line(absl::StrFormat(
        "%-26s %12s %12s %12s %12s %9s %9s", entry["measure"].get<std::string>(),
        of(entry, "malignant", "mean"), of(entry, "malignant", "sd"), of(entry, "benign", "mean"),
        of(entry, "benign", "sd"), Shown(entry.value("welch_t", ordered_json())),
        Shown(entry.value("effect_size", ordered_json()))));
  }
}

}  // namespace

absl::Status Analyse(const AnalysisOptions& options, Attester& attester, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text,
                            ReadFile(options.agreement_path, kAgreementSizeMax));
  SEALFOLD_ASSIGN_OR_RETURN(const Agreement agreement,
                            ParseAgreement(text, options.agreement_path));
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Groups> groups,
                            OpenAll(options, agreement, attester, output));
  SEALFOLD_ASSIGN_OR_RETURN(const ordered_json result, JointStatistics(agreement, groups));
  const std::string published = absl::StrCat(result.dump(1), "\n");
  if (!options.evidence_path.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const Bytes document,
                              attester.Attest({}, Sha256(AsBytes(published)).span(), {}));
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.evidence_path, AsText(document)));
  }
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(options.out_path, published));
  Print(result, output);
  output.Json(JsonText(result));
  return absl::OkStatus();
}

}  // namespace sealfold::two_hospitals
