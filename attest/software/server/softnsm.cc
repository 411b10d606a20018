#include "attest/software/server/softnsm.h"

#include <utility>

#include "attest/nitro/document.h"
#include "attest/software/authority/document_writer.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

constexpr uint16_t kRegisters = 16;
constexpr size_t kRandomSize = 256;  // what the NSM gives at most

bool Exceeds(const std::optional<Bytes>& bytes, size_t size_max) {
  return bytes.has_value() && bytes->size() > size_max;
}

NsmResponse DescribePcr(uint16_t index, Softnsm::MeasureCaller measure_caller) {
  if (index >= kRegisters) return NsmError::kInvalidIndex;
  NsmDescribePcrResponse response{.lock = true, .data = Bytes(Measurement::kSize)};
  if (index != 0) return response;
  absl::StatusOr<Measurement> measurement = measure_caller();
  if (!measurement.ok()) return NsmError::kInvalidOperation;
  response.data = ToBytes(measurement->span());
  return response;
}

NsmResponse Random() {
  NsmRandomResponse response{.random = Bytes(kRandomSize)};
  FillRandom(absl::MakeSpan(response.random));
  return response;
}

}  // namespace

NsmResponse Softnsm::Attest(NsmAttestationRequest request, MeasureCaller measure_caller,
                            uint64_t now_ms) {
  if (Exceeds(request.user_data, kNsmDocument.user_data_size_max) ||
      Exceeds(request.nonce, kNsmDocument.nonce_size_max) ||
      Exceeds(request.public_key, kNsmDocument.public_key_size_max)) {
    return NsmError::kInputTooLarge;
  }
  if (request.public_key.has_value() && request.public_key->empty()) {
    return NsmError::kInvalidArgument;
  }
  absl::StatusOr<Measurement> measurement = measure_caller();
  if (!measurement.ok()) return NsmError::kInvalidOperation;

  const Authority::Leaf& leaf = authority_.LeafAt(now_ms);
  NitroDocument content{.module_id = module_id_,
                        .timestamp_ms = now_ms,
                        .certificate = leaf.certificate,
                        .cabundle = leaf.bundle,
                        .public_key = std::move(request.public_key),
                        .user_data = std::move(request.user_data),
                        .nonce = std::move(request.nonce)};
  for (uint32_t i = 0; i < kRegisters; ++i) content.registers[i] = Bytes(Measurement::kSize);
  content.registers[0] = ToBytes(measurement->span());
  return NsmAttestationResponse{.document = WriteNitroDocument(content, leaf.key.get())};
}

Bytes Softnsm::Answer(ByteSpan request, MeasureCaller measure_caller, uint64_t now_ms) {
  if (request.size() > kNsmRequestSizeMax) return EncodeNsmResponse(NsmError::kInputTooLarge);
  absl::StatusOr<NsmRequest> parsed = ParseNsmRequest(request);
  if (!parsed.ok()) return EncodeNsmResponse(NsmError::kInvalidArgument);

  NsmResponse response = NsmError::kInvalidOperation;
  if (auto* attestation = std::get_if<NsmAttestationRequest>(&*parsed)) {
    response = Attest(std::move(*attestation), measure_caller, now_ms);
  } else if (const auto* describe = std::get_if<NsmDescribePcrRequest>(&*parsed)) {
    response = DescribePcr(describe->index, measure_caller);
  } else if (std::holds_alternative<NsmDescribeRequest>(*parsed)) {
    NsmDescribeResponse description{
        .version_major = 1, .module_id = module_id_, .max_pcrs = kRegisters, .digest = "SHA384"};
    for (uint16_t i = 0; i < kRegisters; ++i) description.locked_pcrs.push_back(i);
    response = std::move(description);
  } else if (std::holds_alternative<NsmRandomRequest>(*parsed)) {
    response = Random();
  }
  Bytes bytes = EncodeNsmResponse(response);
  SEALFOLD_CHECK(bytes.size() <= kNsmResponseSizeMax);
  return bytes;
}

}  // namespace sealfold
