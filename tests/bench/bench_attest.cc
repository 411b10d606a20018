// Verifying evidence, beside what it cannot be faster than: the P-384 verifications that it is made
// of.

#include "absl/strings/str_cat.h"
#include "attest/nitro/document.h"
#include "attest/verifier.h"
#include "attest/x509/certificate.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"
#include "protocol/program/program.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {
namespace {

constexpr size_t kSizeMax = 0x3000;

absl::Status BenchAttest(const Report& report) {
  const OneCore one_core;
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text,
                            ReadFile(SEALFOLD_TEST_DATA "/attestation/nsm-2022-10.cose", kSizeMax));
  const ByteSpan evidence = AsBytes(text);
  SEALFOLD_ASSIGN_OR_RETURN(const NitroDocument document, ParseNitroDocument(evidence));
  SEALFOLD_ASSIGN_OR_RETURN(const Certificate leaf, Certificate::FromDer(document.certificate));
  const Bytes signed_bytes = SigStructure(kNitroProtectedHeader, {}, document.payload);
  // Each certificate but the root's, and the document.
  const auto verifications = static_cast<double>(document.cabundle.size() + 1);

  const EvidencePolicy policy{
      .platform = "aws-nitro",
      .reference_values = {{.name = "bench", .registers = {{0, document.registers.at(0)}}}}};
  const std::vector<Samples> rates = MeasureRates(
      report.options(), Clock::kThreadCpu,
      {{.call =
            [&] {
              SEALFOLD_CHECK(VerifyP384(leaf.public_key(), signed_bytes, document.signature));
            }},
       {.call = [&] {
         SEALFOLD_CHECK(VerifyEvidence(evidence, policy, {.check_freshness = false}).passed());
       }}});
  Samples bound = rates[0];
  for (double& rate : bound.values) rate /= verifications;
  report.Line("evidence_verify_nitro", "1/s", rates[1],
              absl::StrCat("raw P-384 verifications by EVP, same process and core, / ",
                           verifications, " that a document takes"),
              bound);
  report.Line("evidence_verify_nitro", "1/s", rates[1],
              "raw P-384 verifications by EVP, same process and core", rates[0]);
  return absl::OkStatus();
}

const Registration kRegistration("attest", "verify a real Nitro document, beside raw P-384",
                                 &BenchAttest);

}  // namespace
}  // namespace sealfold::bench
