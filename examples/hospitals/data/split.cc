#include "examples/hospitals/data/split.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "examples/hospitals/data/draws.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

using Counts = std::array<uint64_t, kHospitals>;

uint64_t PercentRounded(uint64_t total, uint64_t percent) { return (total * percent + 50) / 100; }

Counts Sizes(uint64_t patients) {
  Counts sizes{};
  for (size_t h = 0; h + 1 < kHospitals; ++h) {
    sizes[h] = PercentRounded(patients, kSizePercents[h]);
  }
  sizes.back() = patients - std::accumulate(sizes.begin(), sizes.end() - 1, uint64_t{0});
  return sizes;
}

// How many of the `malignant` patients each hospital gets. Pólya's urn: each draw returns the ball
// with another of its colour, which draws from the Dirichlet-multinomial distribution in integers
// alone. A hospital that has only kClassPatientsMin places left, which are for benign patients,
// leaves the urn.
Counts DrawMalignant(uint64_t malignant, const Counts& sizes, uint64_t concentration,
                     Draws& draws) {
  Counts counts;
  counts.fill(kClassPatientsMin);
  Counts drawn{};
  for (uint64_t left = malignant - kHospitals * kClassPatientsMin; left > 0; --left) {
    Counts balls{};  // in hundredths
    for (size_t h = 0; h < kHospitals; ++h) {
      if (counts[h] + kClassPatientsMin < sizes[h]) {
        balls[h] = concentration * kSizePercents[h] + 100 * drawn[h];
      }
    }
    uint64_t ball = draws.Below(std::accumulate(balls.begin(), balls.end(), uint64_t{0}));
    size_t h = 0;
    while (ball >= balls[h]) {
      ball -= balls[h++];
    }
    ++drawn[h];
    ++counts[h];
  }
  return counts;
}

bool Enough(uint64_t malignant, uint64_t benign, const Counts& sizes) {
  const uint64_t class_min = kHospitals * kClassPatientsMin;
  return malignant >= class_min && benign >= class_min &&
         *std::min_element(sizes.begin(), sizes.end()) >= 2 * kClassPatientsMin;
}

// The next `count` of `rows`, from the back.
void Take(std::vector<size_t>& rows, uint64_t count, std::vector<size_t>& into) {
  SEALFOLD_CHECK(count <= rows.size());
  into.insert(into.end(), rows.end() - static_cast<std::ptrdiff_t>(count), rows.end());
  rows.resize(rows.size() - count);
}

std::vector<Patient> Selected(absl::Span<const Patient> patients, std::vector<size_t> rows) {
  std::sort(rows.begin(), rows.end());
  std::vector<Patient> selected;
  selected.reserve(rows.size());
  for (const size_t row : rows) {
    selected.push_back(patients[row]);
  }
  return selected;
}

}  // namespace

absl::StatusOr<Split> SplitPatients(absl::Span<const Patient> patients,
                                    const SplitOptions& options) {
  SEALFOLD_CHECK(options.concentration >= 1 && options.concentration <= kConcentrationMax);
  std::vector<size_t> malignant;
  std::vector<size_t> benign;
  for (size_t row = 0; row < patients.size(); ++row) {
    (patients[row].malignant ? malignant : benign).push_back(row);
  }
  Draws draws({options.seed});
  draws.Shuffle(malignant);
  draws.Shuffle(benign);

  std::vector<size_t> test;
  for (std::vector<size_t>* rows : {&malignant, &benign}) {
    Take(*rows, PercentRounded(rows->size(), kTestPercent), test);
  }
  const Counts sizes = Sizes(malignant.size() + benign.size());
  if (!Enough(malignant.size(), benign.size(), sizes)) {
    return BadInput(
        {.code = "patients_too_few",
         .what = "the patients to be split",
         .expected = absl::StrCat("enough for ", kClassPatientsMin,
                                  " of each class in each hospital, about 100"),
         .found = absl::StrCat(patients.size(), ", of which malignant ", CountMalignant(patients)),
         .advice = "give the whole wdbc.csv"});
  }
  const Counts malignant_counts =
      DrawMalignant(malignant.size(), sizes, options.concentration, draws);
  Split split;
  for (size_t h = 0; h < kHospitals; ++h) {
    std::vector<size_t> rows;
    Take(malignant, malignant_counts[h], rows);
    Take(benign, sizes[h] - malignant_counts[h], rows);
    split.hospitals[h] = Selected(patients, std::move(rows));
  }
  SEALFOLD_CHECK(malignant.empty() && benign.empty());
  split.test = Selected(patients, std::move(test));
  return split;
}

}  // namespace sealfold::hospitals
