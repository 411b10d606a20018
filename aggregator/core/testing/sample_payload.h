// For tests: payloads of any layout, and what they say.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_PAYLOAD_H_

#include <random>
#include <vector>

#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold::testing {

// A right payload of a layout with an encoding: elements of any size within [-range, range], both
// ends, both zeros and denormal ones among them; scales of blocks zero, least, greatest or between.
Bytes RandomEncodedPayload(const PayloadLayout& layout, double range, std::mt19937_64& random);

// The elements that a right payload stands for, in the sum's order.
std::vector<double> DecodePayload(const PayloadLayout& layout, const Bytes& payload);

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_PAYLOAD_H_
