#include "examples/two-hospitals/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "protocol/base/error.h"

namespace sealfold::two_hospitals {
namespace {

using nlohmann::ordered_json;

// Six digits say what a study needs; sixteen would say the sum itself. What is no number (a
// measure that does not vary) is null.
ordered_json Rounded(double value) {
  double rounded = 0;
  if (!std::isfinite(value) || !absl::SimpleAtod(absl::StrFormat("%.6g", value), &rounded)) {
    return nullptr;
  }
  return rounded;
}

// Whether every hospital has enough patients of the group.
bool MayPublish(const Agreement& agreement, absl::Span<const Groups> hospitals, size_t group) {
  return std::all_of(hospitals.begin(), hospitals.end(), [&](const Groups& groups) {
    return groups[group].patients() >= agreement.smallest_group;
  });
}

// Welch's t of two groups' means, its degrees of freedom by Welch and Satterthwaite, and Cohen's d.
void Compare(const Moments& a, const Moments& b, size_t measure, ordered_json& entry) {
  const auto na = static_cast<double>(a.patients());
  const auto nb = static_cast<double>(b.patients());
  const double difference = a.mean(measure) - b.mean(measure);
  const double ea = a.variance(measure) / na;
  const double eb = b.variance(measure) / nb;
  const double pooled =
      (a.comoment(measure, measure) + b.comoment(measure, measure)) / (na + nb - 2);
  entry["welch_t"] = Rounded(difference / std::sqrt(ea + eb));
  entry["degrees_of_freedom"] =
      Rounded((ea + eb) * (ea + eb) / (ea * ea / (na - 1) + eb * eb / (nb - 1)));
  entry["effect_size"] = Rounded(difference / std::sqrt(pooled));
}

double Correlation(const Groups& joint, size_t a, size_t b) {
  const auto sum = [&joint](size_t x, size_t y) {
    return joint[0].comoment(x, y) + joint[1].comoment(x, y);
  };
  return sum(a, b) / std::sqrt(sum(a, a) * sum(b, b));
}

ordered_json Correlations(const Agreement& agreement, const Groups& joint) {
  ordered_json all = ordered_json::array();
  for (size_t i = 0; i < agreement.measures.size(); ++i) {
    for (size_t j = i + 1; j < agreement.measures.size(); ++j) {
      const size_t a = agreement.measures[i];
      const size_t b = agreement.measures[j];
      all.push_back({{"measures", {kMeasureNames[a], kMeasureNames[b]}},
                     {"r", Rounded(Correlation(joint, a, b))}});
    }
  }
  return all;
}

}  // namespace

absl::StatusOr<ordered_json> JointStatistics(const Agreement& agreement,
                                             absl::Span<const Groups> hospitals) {
  Groups joint;
  std::array<bool, kGroups> published{};
  ordered_json counts;
  for (size_t g = 0; g < kGroups; ++g) {
    for (const Groups& groups : hospitals) joint[g].Merge(groups[g]);
    published[g] = MayPublish(agreement, hospitals, g);
    counts[kGroupNames[g]] = published[g] ? ordered_json(joint[g].patients()) : ordered_json();
  }
  if (!published[0] && !published[1]) {
    return Refused({.code = "groups_too_small",
                    .what = "patients of each group at each hospital",
                    .expected = absl::StrCat("at least ", agreement.smallest_group),
                    .found = "fewer in every group"});
  }
  const bool both = published[0] && published[1];
  ordered_json measures = ordered_json::array();
  for (const size_t measure : agreement.measures) {
    ordered_json entry = {{"measure", kMeasureNames[measure]}};
    for (size_t g = 0; g < kGroups; ++g) {
      if (!published[g]) continue;
      entry[kGroupNames[g]] = {{"mean", Rounded(joint[g].mean(measure))},
                               {"sd", Rounded(std::sqrt(joint[g].variance(measure)))}};
    }
    if (both) Compare(joint[0], joint[1], measure, entry);
    measures.push_back(std::move(entry));
  }
  ordered_json result = {{"format", "two-hospitals-result-1"},
                         {"agreement", agreement.digest.hex()},
                         {"smallest_group", agreement.smallest_group},
                         {"patients", std::move(counts)},
                         {"measures", std::move(measures)}};
  if (both) result["correlations"] = Correlations(agreement, joint);
  return result;
}

}  // namespace sealfold::two_hospitals
