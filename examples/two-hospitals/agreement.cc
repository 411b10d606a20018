#include "examples/two-hospitals/agreement.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "embedded/agreement_schema.h"
#include "examples/two-hospitals/patients.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/json/load.h"

namespace sealfold::two_hospitals {
namespace {

absl::Status Doubled(absl::string_view code, absl::string_view source, absl::string_view where,
                     const std::string& what) {
  return BadInput({.code = std::string(code),
                   .what = absl::StrCat(source, " at ", where),
                   .expected = "each once",
                   .found = absl::StrCat(what, " twice")});
}

absl::StatusOr<size_t> FindMeasure(const std::string& name, absl::string_view source) {
  const std::vector<std::string> known(std::begin(kMeasureNames), std::end(kMeasureNames));
  const auto found = std::find(known.begin(), known.end(), name);
  if (found != known.end()) return static_cast<size_t>(found - known.begin());
  const std::string nearest = NearestWord(name, known);
  return BadInput({.code = "measure_unknown",
                   .what = absl::StrCat(source, " at /measures"),
                   .expected = "a measure of the data set",
                   .found = name,
                   .advice = nearest.empty() ? "" : absl::StrCat("did you mean ", nearest, "?")});
}

}  // namespace

absl::StatusOr<Agreement> ParseAgreement(absl::string_view text, absl::string_view source) {
  SEALFOLD_ASSIGN_OR_RETURN(const nlohmann::json document,
                            LoadJson(text, kAgreementSchema, source));
  Agreement agreement{.hospitals = {},
                      .smallest_group = document["smallest_group"].get<uint64_t>(),
                      .measures = {},
                      .digest = Sha256(AsBytes(text))};
  for (size_t i = 0; i < agreement.hospitals.size(); ++i) {
    const nlohmann::json& hospital = document["hospitals"][i];
    agreement.hospitals[i].name = hospital["name"].get<std::string>();
    SEALFOLD_ASSIGN_OR_RETURN(agreement.hospitals[i].key,
                              SigningPublicKey::FromHex(hospital["key"].get<std::string>()));
  }
  const auto& [first, second] = agreement.hospitals;
  if (first.name == second.name || first.key == second.key) {
    return Doubled("hospital_doubled", source, "/hospitals", "a name or a key");
  }
  for (const nlohmann::json& name : document["measures"]) {
    SEALFOLD_ASSIGN_OR_RETURN(const size_t measure, FindMeasure(name.get<std::string>(), source));
    if (std::count(agreement.measures.begin(), agreement.measures.end(), measure) > 0) {
      return Doubled("measure_doubled", source, "/measures", kMeasureNames[measure]);
    }
    agreement.measures.push_back(measure);
  }
  return agreement;
}

}  // namespace sealfold::two_hospitals
