// What can be wrong with an update that only shows when it is opened.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_UPDATE_FAULT_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_UPDATE_FAULT_H_

#include <cstddef>

namespace sealfold {

enum class UpdateFault {
  kSealBroken,
  kOutOfRange,      // an element, or an int8 block's scale, that goes beyond the range
  kPaddingNotZero,  // bytes between tensors, or in no block
  // Compressed updates only.
  kScaleWrong,       // of an int8 block
  kElementWrong,     // of an int8 block: -128, or other than 0 under a scale of 0
  kPlaceWrong,       // of an element carried by a top_k block
  kPlacesUnordered,  // the same
};
inline constexpr size_t kUpdateFaults = 7;

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_UPDATE_FAULT_H_
