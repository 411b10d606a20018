#include "tests/bad_evidence/chains.h"

namespace sealfold {

const std::vector<BadChain>& BadChains() {
  static const std::vector<BadChain> kChains = {
      {"leaf-expired",
       "certificate_time: expected certificate's time: leaf certificate valid at "
       "2026-06-01T00:00:00Z, found valid 2026-05-31T23:00:00Z to 2026-05-31T23:59:59Z",
       [](ChainSpec& spec) { spec.leaf.not_after_s = kForgeTime_s - 1; }},
      {"leaf-not-yet-valid",
       "certificate_time: expected certificate's time: leaf certificate valid at "
       "2026-06-01T00:00:00Z, found valid 2026-06-01T00:00:01Z to *",
       [](ChainSpec& spec) { spec.leaf.not_before_s = kForgeTime_s + 1; }},
      {"intermediate-expired",
       "certificate_time: expected certificate's time: certificate 1 above the leaf (of 2, the "
       "root) "
       "valid at 2026-06-01T00:00:00Z, found valid 2026-05-31T00:00:00Z to 2026-05-31T23:59:59Z",
       [](ChainSpec& spec) { spec.intermediates[0].not_after_s = kForgeTime_s - 1; }},
      {"path-length-exceeded",
       "chain: expected *, found certificate 2 above the leaf (of 3, the root): path length "
       "constraint exceeded",
       [](ChainSpec& spec) {
         spec.AddIntermediate();
         spec.intermediates[0].basic_constraints = "critical,CA:TRUE,pathlen:0";
       }},
      {"leaf-is-ca", "chain: expected certificate *: a leaf that is no CA, found a CA certificate",
       [](ChainSpec& spec) { spec.leaf.basic_constraints = "critical,CA:TRUE"; }},
      {"leaf-signs-certificates",
       "chain: expected certificate *: keyUsage digitalSignature and not keyCertSign, found "
       "another "
       "keyUsage",
       [](ChainSpec& spec) { spec.leaf.key_usage = "critical,digitalSignature,keyCertSign"; }},
      {"intermediate-is-no-ca",
       "chain: expected certificate *: a CA certificate (basicConstraints), found not a CA",
       [](ChainSpec& spec) { spec.intermediates[0].basic_constraints = "critical,CA:FALSE"; }},
      {"intermediate-signs-no-certificates",
       "chain: expected certificate *: keyUsage keyCertSign, found a keyUsage without it",
       [](ChainSpec& spec) { spec.intermediates[0].key_usage = "critical,digitalSignature"; }},
  };
  return kChains;
}

}  // namespace sealfold
