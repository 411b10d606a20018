#include "attest/measure/eif/eif_measure.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <nlohmann/json.hpp>

#include "attest/measure/eif/eif_signature.h"
#include "attest/testing/forge/eif_builder.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::json;

absl::StatusOr<EifMeasurements> Measure(const Bytes& file) {
  SEALFOLD_ASSIGN_OR_RETURN(const EifImage image, ParseEif(file));
  return MeasureEif(image);
}

// An image of the builder's with this signature section.
Bytes Signed(const Bytes& section) {
  EifSpec spec;
  spec.sections.emplace_back(EifSectionType::kSignature, section);
  return BuildEif(spec);
}

Measurement Pcr0() { return Measure(BuildEif({}))->pcr0; }

// Files and values of tests/data/measure/make_eif.py.
TEST(EifMeasureTest, AgreesWithAnIndependentComputation) {
  const json expected = json::parse(ReadTestData("measure/eif.json"));
  ASSERT_EQ(expected.size(), 3u);
  for (const auto& [name, values] : expected.items()) {
    const auto measured = Measure(ToBytes(AsBytes(ReadTestData("measure/" + name))));
    ASSERT_TRUE(measured.ok()) << name << measured.status();
    EXPECT_EQ(measured->pcr0.hex(), values["pcr0"]) << name;
    EXPECT_EQ(measured->pcr1.hex(), values["pcr1"]) << name;
    EXPECT_EQ(measured->pcr2.hex(), values["pcr2"]) << name;
    EXPECT_EQ(measured->pcr8.has_value(), values.contains("pcr8")) << name;
    EXPECT_EQ(measured->certificate.has_value(), values.contains("pcr8")) << name;
    EXPECT_EQ(measured->pcr8.has_value() ? measured->pcr8->hex() : "", values.value("pcr8", ""));
  }
}

TEST(EifMeasureTest, MetadataIsNotMeasured) {
  EifSpec spec;
  spec.sections.emplace(spec.sections.begin() + 2, EifSectionType::kMetadata, Bytes(50, 'm'));
  EXPECT_EQ(Measure(BuildEif(spec))->pcr0, Pcr0());
}

TEST(EifMeasureTest, ASignatureOfThisImageHolds) {
  const auto measured = Measure(Signed(BuildEifSignature(Pcr0())));
  ASSERT_TRUE(measured.ok()) << measured.status();
  EXPECT_EQ(measured->pcr0, Pcr0());
  EXPECT_TRUE(measured->pcr8.has_value());
}

TEST(EifMeasureTest, ASignatureOfAnotherImageIsRefused) {
  Measurement other = Pcr0();
  other.mutable_span()[0] ^= 1;
  const absl::Status status = Measure(Signed(BuildEifSignature(other))).status();
  EXPECT_EQ(ErrorCode(status), "eif_signature_wrong");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
}

TEST(EifMeasureTest, ASignatureByAnotherKeyIsRefused) {
  Bytes file = ToBytes(AsBytes(ReadTestData("measure/signed.eif")));
  // The last byte of s, as long in an array of numbers as it was: 0 to 23 stay so, 24 to 255 too.
  file.back() ^= 1;
  MendEifCrc(file);
  EXPECT_EQ(ErrorCode(Measure(file).status()), "eif_signature_wrong");
}

TEST(EifMeasureTest, SignaturesOfAnotherFormAreRefused) {
  EXPECT_EQ(ErrorCode(Measure(Signed(BuildEifSignature(Pcr0(), 1))).status()), "eif_signature");
  EXPECT_EQ(ErrorCode(Measure(Signed(BuildEifSignature(Pcr0(), 0, "P-256"))).status()),
            "eif_signature");
  EXPECT_EQ(ErrorCode(Measure(Signed({0x80})).status()), "eif_signature");        // []
  EXPECT_EQ(ErrorCode(Measure(Signed({0x81, 0xa0})).status()), "eif_signature");  // [{}]
  EXPECT_EQ(ErrorCode(Measure(Signed({0x81})).status()), "cbor_truncated");
  EXPECT_EQ(ErrorCode(Measure(Signed(Bytes(kEifSignatureSizeMax + 1))).status()), "cbor_too_large");
  Bytes twice = BuildEifSignature(Pcr0());
  const Bytes entry(twice.begin() + 1, twice.end());
  twice[0] = 0x82;
  Append(twice, entry);
  EXPECT_EQ(ErrorCode(Measure(Signed(twice)).status()), "eif_signature");
}

// No bit of the signature may change. One of the certificate may make it another certificate, whose
// PCR8 no policy names, but never one of another key.
TEST(EifMeasureTest, NoDamagedSignaturePasses) {
  const Bytes good = BuildEifSignature(Pcr0());
  const Certificate certificate = *CheckEifSignature(good, Pcr0());
  const size_t certificate_at = AsText(good).find("signing_certificate");
  ASSERT_LT(certificate_at, good.size());
  for (size_t i = 0; i < good.size(); ++i) {
    Bytes damaged = good;
    damaged[i] ^= static_cast<uint8_t>(1u << (i % 8));
    const auto checked = CheckEifSignature(damaged, Pcr0());
    if (i < certificate_at) {
      EXPECT_FALSE(checked.ok()) << i;
    } else if (checked.ok()) {
      EXPECT_EQ(EVP_PKEY_eq(checked->public_key(), certificate.public_key()), 1) << i;
    }
  }
}

}  // namespace
}  // namespace sealfold
