// The platforms whose evidence this build judges, for people.
#ifndef SEALFOLD_ATTEST_PLATFORM_NAMES_H_
#define SEALFOLD_ATTEST_PLATFORM_NAMES_H_

#include <string>

namespace sealfold {

std::string PlatformNames();  // "aws-nitro, aws-nitrotpm, ..."

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_PLATFORM_NAMES_H_
