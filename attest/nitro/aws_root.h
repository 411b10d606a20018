// The root of AWS Nitro attestation, "aws.nitro-enclaves" G1, valid from 2019 to 2049. AWS
// publishes it at https://aws-nitro-enclaves.amazonaws.com/AWS_NitroEnclaves_Root-G1.zip with its
// SHA-256 fingerprint.
#ifndef SEALFOLD_ATTEST_NITRO_AWS_ROOT_H_
#define SEALFOLD_ATTEST_NITRO_AWS_ROOT_H_

#include "absl/strings/string_view.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// As published; a test compares.
inline constexpr absl::string_view kAwsNitroRootFingerprint =
    "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";

// Parsed once; lives as long as the program.
const Certificate& AwsNitroRoot();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_AWS_ROOT_H_
