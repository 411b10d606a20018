#include "aggregator/core/fold/finish_mean.h"

#include "aggregator/core/fold/fold_reference.h"
#include "protocol/base/error.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "aggregator/core/fold/finish_mean.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "aggregator/core/fold/element-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sealfold::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

// No vectors here, and Highway's emulation clamps where IEEE 754 overflows: the reference itself
// runs.
void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  fold_reference::FinishMean(dtype, sum, step, weight_sum, learning_rate, base, out);
}

#else

template <class Element>
void FinishMeanOf(absl::Span<const int64_t> sum, double step, double weight_sum,
                  double learning_rate, ByteSpan base, MutableByteSpan out) {
  constexpr size_t kSize = sizeof(typename Element::Pattern);
  const Doubles d;
  const hn::RebindToSigned<Doubles> integers;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= sum.size(); i += lanes) {
    // Four operations, each rounded: no fused one (compiled with -ffp-contract=off).
    const Vector total = hn::ConvertTo(d, hn::LoadU(integers, sum.data() + i));
    const Vector mean = hn::Div(hn::Mul(total, hn::Set(d, step)), hn::Set(d, weight_sum));
    const Vector moved =
        hn::Add(Element::Load(base.data() + i * kSize), hn::Mul(hn::Set(d, learning_rate), mean));
    Element::Store(moved, out.data() + i * kSize);
  }
  fold_reference::FinishMean(Element::kDtype, sum.subspan(i), step, weight_sum, learning_rate,
                             base.subspan(i * kSize), out.subspan(i * kSize));
}

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  switch (dtype) {
    case Dtype::kF32:
      return FinishMeanOf<F32>(sum, step, weight_sum, learning_rate, base, out);
    case Dtype::kF16:
      return FinishMeanOf<F16>(sum, step, weight_sum, learning_rate, base, out);
    case Dtype::kBf16:
      return FinishMeanOf<Bf16>(sum, step, weight_sum, learning_rate, base, out);
  }
}

#endif

}  // namespace
}  // namespace sealfold::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sealfold {
namespace {

HWY_EXPORT(FinishMean);

}  // namespace

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, uint64_t weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out) {
  SEALFOLD_CHECK(weight_sum != 0);
  SEALFOLD_CHECK(base.size() == sum.size() * DtypeSizeBytes(dtype) && out.size() == base.size());
  HWY_DYNAMIC_DISPATCH(FinishMean)
  (dtype, sum, step, static_cast<double>(weight_sum), learning_rate, base, out);
}

}  // namespace sealfold
#endif  // HWY_ONCE
