#include "tests/bench/kit/roofline.h"

#include <algorithm>

#include "tests/bench/kit/memory_kernels.h"

namespace sealfold::bench {
namespace {

constexpr double kGiga = 1e9;
constexpr double kVectorsOfSum = 2;  // one reads and adds, one writes

}  // namespace

Roofline RooflineOf(const FoldShape& shape, const Speeds& speeds) {
  const auto elements = static_cast<double>(shape.elements);
  const auto lanes = static_cast<double>(VectorDoubles());
  const double input = static_cast<double>(shape.updates) * shape.update_bytes / kGiga;
  const double sum = elements * kSumTrafficBytes / kGiga;
  const double vectors = elements / lanes *
                         (static_cast<double>(shape.updates) * shape.vectors_an_element +
                          shape.passes * kVectorsOfSum) /
                         kGiga;
  Samples memory;
  Samples issue;
  Roofline out;
  for (size_t i = 0; i < speeds.read.values.size(); ++i) {
    memory.values.push_back(input /
                            (input / speeds.read.values[i] + sum / speeds.change.values[i]));
    issue.values.push_back(input / (vectors / speeds.vectors.values[i]));
    out.rate.values.push_back(std::min(memory.values.back(), issue.values.back()));
  }
  out.what = memory.Median() <= issue.Median()
                 ? "roofline, memory: updates at the speed of reading, the sum at that of changing "
                   "it in place, same run"
                 : "roofline, instructions: modelled count at the speed of vector instructions on "
                   "registers, same run";
  return out;
}

}  // namespace sealfold::bench
