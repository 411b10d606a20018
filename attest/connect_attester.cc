#include "attest/attester.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::StatusOr<std::unique_ptr<Attester>> ConnectAttester(const std::string& platform,
                                                          const std::string& path) {
#ifdef SEALFOLD_SOFTWARE_PLATFORM
  if (platform == "sealfold-softnsm") return ConnectSoftwareAttester(path);
#endif
  if (platform == "aws-nitro") return OpenNsmAttester(path);
  return Refused({.code = "platform_unknown",
                  .what = "platform of the evidence",
                  .expected = "one that this build has",
                  .found = platform,
                  .advice = "use a build with this platform"});
}

}  // namespace sealfold
