#include "attest/testing/devices/nsm_stand_in.h"

#include <utility>

#include "attest/nitro/document.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr uint16_t kRegisters = kNsmRegisters;

bool Exceeds(const std::optional<Bytes>& bytes, size_t size_max) {
  return bytes.has_value() && bytes->size() > size_max;
}

}  // namespace

NsmStandIn::NsmStandIn() {
  for (uint16_t i = 0; i < kRegisters; ++i) registers_[i] = Bytes(Measurement::kSize);
  registers_[0] = Bytes(Measurement::kSize, 0x11);
  for (uint16_t i = 0; i < 16; ++i) locked_.insert(i);
}

Bytes NsmStandIn::Answer(ByteSpan request) {
  absl::StatusOr<NsmRequest> parsed = ParseNsmRequest(request);
  if (!parsed.ok()) return EncodeNsmResponse(NsmError::kInvalidArgument);
  return EncodeNsmResponse(std::visit([this](const auto& each) { return Answer(each); }, *parsed));
}

NsmResponse NsmStandIn::Answer(const NsmAttestationRequest& request) const {
  if (Exceeds(request.user_data, kNsmDocument.user_data_size_max) ||
      Exceeds(request.nonce, kNsmDocument.nonce_size_max) ||
      Exceeds(request.public_key, kNsmDocument.public_key_size_max)) {
    return NsmError::kInputTooLarge;
  }
  NitroDocument content = chain_.Content();
  content.registers.clear();
  for (uint16_t i : locked_) content.registers[i] = registers_.at(i);
  content.nonce = request.nonce;
  content.user_data = request.user_data;
  content.public_key = request.public_key;
  return NsmAttestationResponse{.document = chain_.Sign(content)};
}

NsmResponse NsmStandIn::Answer(const NsmDescribePcrRequest& request) const {
  if (request.index >= kRegisters) return NsmError::kInvalidIndex;
  return NsmDescribePcrResponse{.lock = locked_.contains(request.index),
                                .data = registers_.at(request.index)};
}

NsmResponse NsmStandIn::Answer(const NsmExtendPcrRequest& request) {
  if (request.index >= kRegisters) return NsmError::kInvalidIndex;
  if (locked_.contains(request.index)) return NsmError::kReadOnlyIndex;
  Bytes extended = registers_[request.index];
  Append(extended, request.data);
  registers_[request.index] = ToBytes(Sha384(extended).span());
  return NsmExtendPcrResponse{.data = registers_[request.index]};
}

NsmResponse NsmStandIn::Answer(const NsmLockPcrRequest& request) {
  if (request.index >= kRegisters) return NsmError::kInvalidIndex;
  if (!locked_.insert(request.index).second) return NsmError::kReadOnlyIndex;
  return NsmLockPcrResponse{};
}

NsmResponse NsmStandIn::Answer(const NsmLockPcrsRequest& request) {
  if (request.range > kRegisters) return NsmError::kInvalidIndex;
  for (uint16_t i = 0; i < request.range; ++i) locked_.insert(i);
  return NsmLockPcrsResponse{};
}

NsmResponse NsmStandIn::Answer(const NsmDescribeRequest& /*request*/) const {
  return NsmDescribeResponse{.version_major = 1,
                             .module_id = "test-module",
                             .max_pcrs = kRegisters,
                             .locked_pcrs = {locked_.begin(), locked_.end()},
                             .digest = "SHA384"};
}

NsmResponse NsmStandIn::Answer(const NsmRandomRequest& /*request*/) const {
  NsmRandomResponse response{.random = Bytes(256)};
  FillRandom(absl::MakeSpan(response.random));
  return response;
}

}  // namespace sealfold
