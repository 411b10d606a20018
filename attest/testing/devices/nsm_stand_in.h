// An NSM of the tests' own, in the place of an enclave's device.
#ifndef SEALFOLD_ATTEST_TESTING_DEVICES_NSM_STAND_IN_H_
#define SEALFOLD_ATTEST_TESTING_DEVICES_NSM_STAND_IN_H_

#include <map>
#include <set>

#include "attest/nitro/nsm_message.h"
#include "attest/testing/forge/forge.h"

namespace sealfold {

// 32 registers of SHA-384, of which 0 to 15 begin locked as an enclave's do, register 0 all 0x11;
// speaks the NSM's CBOR. Documents at kForgeTime_ms under `chain`.
class NsmStandIn {
 public:
  NsmStandIn();

  // As the device answers: any bytes get a response.
  Bytes Answer(ByteSpan request);
  const Chain& chain() const { return chain_; }

 private:
  NsmResponse Answer(const NsmAttestationRequest& request) const;
  NsmResponse Answer(const NsmDescribePcrRequest& request) const;
  NsmResponse Answer(const NsmExtendPcrRequest& request);
  NsmResponse Answer(const NsmLockPcrRequest& request);
  NsmResponse Answer(const NsmLockPcrsRequest& request);
  NsmResponse Answer(const NsmDescribeRequest& request) const;
  NsmResponse Answer(const NsmRandomRequest& request) const;

  Chain chain_ = Chain::Make();
  std::map<uint32_t, Bytes> registers_;
  std::set<uint16_t> locked_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_DEVICES_NSM_STAND_IN_H_
