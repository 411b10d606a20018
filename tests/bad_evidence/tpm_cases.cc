// TPM quotes with what it takes to judge them.
#include <openssl/ec.h>

#include "absl/strings/str_cat.h"
#include "attest/testing/forge_tpm.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "protocol/base/error.h"
#include "tests/bad_evidence/bad_evidence.h"
#include "tests/bad_evidence/cbor_change.h"
#include "tests/bad_evidence/chains.h"

namespace sealfold {
namespace {

using cbor::Value;

constexpr char kAik[] = "2.23.133.8.3";  // tcg-kp-AIKCertificate
constexpr uint16_t kSha1 = 0x0004;
constexpr uint16_t kCurveP521 = 0x0005;

Value BytesOf(size_t size) { return Value::OfBytes(Bytes(size, 1)); }

// `bytes` with a 16-bit number at `at` changed.
Bytes WithU16(Bytes bytes, size_t at, uint16_t value) {
  bytes.at(at) = static_cast<uint8_t>(value >> 8);
  bytes.at(at + 1) = static_cast<uint8_t>(value);
  return bytes;
}

Bytes WithTail(Bytes bytes) {
  bytes.push_back(0);
  return bytes;
}

Bytes Short(Bytes bytes) {
  bytes.pop_back();
  return bytes;
}

class Maker {
 public:
  Maker() : map_(EncodeTpmEvidence(evidence_)) {}

  BadEvidence Make() {
    BadEvidence out{.fuzz_target = "fuzz_tpm_evidence",
                    .policy = ForgeTpmPolicy(key_),
                    .good = EncodeTpmEvidence(evidence_)};
    out.policy.root_pem = root_.certificate.Pem();
    Fields();
    Sizes();
    Encodings(out.good);
    Quotes();
    Signatures();
    Keys();
    Chains();
    out.cases = std::move(cases_);
    return out;
  }

 private:
  void Add(std::string name, Bytes evidence, std::string error) {
    cases_.push_back({std::move(name), std::move(evidence), std::move(error)});
  }
  void AddField(std::string name, absl::string_view field, const Value& value, std::string error) {
    Add(std::move(name), map_.With(field, value), std::move(error));
  }

  void Fields() {
    for (const char* field : {"type", "attest", "signature", "attestation_key", "registers",
                              "certificates", "timestamp"}) {
      Add(absl::StrCat("missing-", field), map_.Without(field),
          absl::StrCat("field_missing field ", field, ","));
      AddField(absl::StrCat("null-", field), field, Value(),
               absl::StrCat("field_type field ", field, ","));
    }
    for (const char* field : {"type", "attest", "signature", "attestation_key", "registers",
                              "certificates", "timestamp", "nonce", "user_data", "public_key"}) {
      Add(absl::StrCat("doubled-", field), map_.Doubled(field), "cbor_key_doubled CBOR at byte");
      AddField(absl::StrCat("type-", field), field, Value::Bool(true),
               absl::StrCat("field_type field ", field, ","));
    }
    AddField("type-of-another-object", "type", Value::Text("sealfold-tpm2-evidence-2"),
             "message_type field type,");
    AddField("timestamp-zero", "timestamp", Value::Unsigned(0),
             "evidence_malformed TPM evidence's timestamp,");
    AddField("timestamp-beyond", "timestamp", Value::Unsigned(UINT64_MAX),
             "evidence_malformed TPM evidence's timestamp,");
  }

  void Sizes() {
    const auto about = [](absl::string_view field) {
      return absl::StrCat("evidence_malformed TPM evidence's ", field, ",");
    };
    AddField("long-nonce", "nonce", BytesOf(kTpmNonceSizeMax + 1), about("nonce"));
    AddField("long-user_data", "user_data", BytesOf(kTpmUserDataSizeMax + 1), about("user_data"));
    AddField("long-public_key", "public_key", BytesOf(kTpmPublicKeySizeMax + 1),
             about("public_key"));
    AddField("long-certificates", "certificates",
             Value::OfArray(cbor::Array(kTpmCertificatesMax + 1, BytesOf(1))),
             about("certificates"));
    AddField("long-certificate", "certificates",
             Value::OfArray({BytesOf(kTpmCertificateSizeMax + 1)}), about("certificates"));
    cbor::Array registers = *map_.at("registers").as_array();
    registers.push_back(BytesOf(32));
    AddField("register-too-many", "registers", Value::OfArray(registers), about("registers"));
    registers.resize(2);
    AddField("register-too-few", "registers", Value::OfArray(registers), about("registers"));
    registers.push_back(BytesOf(33));
    AddField("register-one-byte-long", "registers", Value::OfArray(registers), about("registers"));
  }

  void Encodings(const Bytes& good) {
    Add("trailing-byte", WithTail(good), "cbor_trailing CBOR at byte");
    Add("cut-short", Short(good), "cbor_truncated CBOR at byte");
    Bytes not_minimal = {0xb8, static_cast<uint8_t>(good[0] & 0x1f)};
    not_minimal.insert(not_minimal.end(), good.begin() + 1, good.end());
    Add("number-not-minimal", not_minimal, "cbor_not_deterministic CBOR message");
    Bytes indefinite = {0xbf};
    indefinite.insert(indefinite.end(), good.begin() + 1, good.end());
    indefinite.push_back(0xff);
    Add("indefinite-map", indefinite, "cbor_not_deterministic CBOR at byte");
    Bytes tagged = {0xd2};
    Append(tagged, good);
    Add("tagged", tagged, "cbor_item_refused CBOR at byte 0");
    const Bytes chunked = {0x5f, 0x41, 1, 0x41, 2, 0xff};
    Add("chunked-nonce", map_.WithRaw("nonce", chunked), "cbor_item_refused CBOR at byte");
    Add("nesting-bomb", Nested(4000), "cbor_too_deep CBOR at byte");
    Add("nesting-bomb-in-field", map_.WithRaw("nonce", Nested(1000)), "cbor_too_deep CBOR at byte");
    const Bytes lie = {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    Add("length-that-lies", map_.WithRaw("nonce", lie), "cbor_truncated CBOR at byte");
    const Bytes count = {0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff};
    Add("count-that-lies", map_.WithRaw("registers", count), "cbor_truncated CBOR at byte");
    Add("empty", {}, "cbor_truncated CBOR at byte 0");
  }

  // Of a quote that the key signed.
  void AddQuote(std::string name, Bytes attest, std::string error) {
    TpmEvidence changed = evidence_;
    changed.attest = std::move(attest);
    changed.signature = key_.Sign(changed.attest);
    Add(std::move(name), EncodeTpmEvidence(changed), std::move(error));
  }
  Bytes Quote(const QuoteSpec& spec) const {
    return WriteQuote(spec, key_, evidence_.Binding(), evidence_.registers);
  }

  void Quotes() {
    AddQuote("quote-magic", Quote({.magic = 0xff544348}), "tpm_field TPMS_ATTEST's magic,");
    AddQuote("quote-of-a-certification", Quote({.type = 0x8017}), "tpm_field TPMS_ATTEST's type,");
    AddQuote("quote-extra-data-one-byte-long", Quote({.extra_data = Bytes(65)}),
             "tpm_field TPMS_ATTEST's extraData,");
    AddQuote("quote-raw-nonce-as-extra-data", Quote({.extra_data = *evidence_.nonce}),
             "qualifying_data ");
    AddQuote("quote-digest-of-other-registers", Quote({.register_digest = Bytes(32)}), "quote ");
    AddQuote("quote-digest-one-byte-long", Quote({.register_digest = Bytes(49)}),
             "tpm_field TPMS_ATTEST's pcrDigest,");
    AddQuote("quote-without-registers", Quote({.registers = 0}),
             "tpm_field TPMS_ATTEST's pcrSelect,");
    AddQuote("quote-trailing-byte", WithTail(Quote({})), "tpm_trailing TPMS_ATTEST");
    AddQuote("quote-cut-short", Short(Quote({})), "tpm_truncated TPMS_ATTEST");
    AddQuote("quote-of-the-null-hierarchy", Quote({.hierarchy = 0x40000007}), "attestation_key ");
    // Before the digest: count 4, bank 2, size 1, mask 3, then its own length 2 and 32 bytes.
    const Bytes quote = Quote({});
    AddQuote("quote-bank-sha1", WithU16(quote, quote.size() - 34 - 6, kSha1),
             "tpm_field TPMS_ATTEST's bank,");
    AddQuote("quote-of-two-banks", WithU16(quote, quote.size() - 34 - 8, 2),
             "tpm_field TPMS_ATTEST's pcrSelect,");
  }

  void AddSignature(std::string name, ByteSpan signature, std::string error) {
    AddField(std::move(name), "signature", Value::OfBytes(signature), std::move(error));
  }

  void Signatures() {
    const Bytes& good = evidence_.signature;
    AddSignature("signature-algorithm-unknown", WithU16(good, 0, 0x0005),
                 "tpm_field TPMT_SIGNATURE's sigAlg,");
    AddSignature("signature-hash-sha1", WithU16(good, 2, kSha1),
                 "tpm_field TPMT_SIGNATURE's hash,");
    AddSignature("signature-hash-other-than-the-keys", WithU16(good, 2, kTpmAlgSha384),
                 "signature ");
    AddSignature("signature-trailing-byte", WithTail(good), "tpm_trailing TPMT_SIGNATURE");
    AddSignature("signature-cut-short", Short(good), "tpm_truncated TPMT_SIGNATURE");
    AddSignature("signature-r-one-byte-long",
                 TpmWriter()
                     .U16(kTpmAlgEcdsa)
                     .U16(kTpmAlgSha256)
                     .Sized(Bytes(49, 1))
                     .Sized(Bytes(32, 1))
                     .bytes(),
                 "tpm_field TPMT_SIGNATURE's signatureR,");
    AddSignature(
        "signature-zero",
        TpmWriter().U16(kTpmAlgEcdsa).U16(kTpmAlgSha256).Sized(Bytes(32)).Sized(Bytes(32)).bytes(),
        "signature ");
    AddSignature("signed-by-another-key", ForgedKey::Ecdsa().Sign(evidence_.attest), "signature ");
  }

  void AddKey(std::string name, ByteSpan key, std::string error) {
    AddField(std::move(name), "attestation_key", Value::OfBytes(key), std::move(error));
  }

  void Keys() {
    const Bytes good = key_.Public();
    // type 2, nameAlg 2, attributes 4, authPolicy 2, symmetric 2, scheme 2, hash 2, curve 2.
    AddKey("key-type-keyed-hash", WithU16(good, 0, 0x0008), "tpm_field TPMT_PUBLIC's type,");
    AddKey("key-name-sha1", WithU16(good, 2, kSha1), "tpm_field TPMT_PUBLIC's nameAlg,");
    AddKey("key-scheme-ecdaa", WithU16(good, 12, 0x001a), "tpm_field TPMT_PUBLIC's scheme,");
    AddKey("key-hash-sha1", WithU16(good, 14, kSha1), "tpm_field TPMT_PUBLIC's scheme's hash,");
    AddKey("key-curve-p521", WithU16(good, 16, kCurveP521), "tpm_field TPMT_PUBLIC's curveID,");
    AddKey("key-trailing-byte", WithTail(good), "tpm_trailing TPMT_PUBLIC");
    AddKey("key-cut-short", Short(good), "tpm_truncated TPMT_PUBLIC");
    ForgedKey unrestricted = ForgedKey::Ecdsa();
    unrestricted.attributes &= ~kTpmRestricted;
    Add("key-unrestricted", EncodeTpmEvidence(ForgeTpmEvidence(unrestricted)),
        "attestation_key no restricted");
    Add("key-that-nobody-named", EncodeTpmEvidence(ForgeTpmEvidence(ForgedKey::Ecdsa())),
        "chain none");
  }

  // Evidence of a key that is believed for its certificates alone.
  Bytes Certified(std::vector<Bytes> certificates) const {
    TpmEvidence evidence = ForgeTpmEvidence(certified_);
    evidence.certificates = std::move(certificates);
    return EncodeTpmEvidence(evidence);
  }
  std::vector<Bytes> Certificates(const ForgedRoot& root, ChainSpec spec, EVP_PKEY* key) const {
    spec.leaf.extended_key_usage =
        spec.leaf.extended_key_usage.empty() ? kAik : spec.leaf.extended_key_usage;
    std::vector<Bytes> out = {root.certificate.der()};
    std::vector<std::pair<Certificate, UniqueKey>> issuers;
    for (const CertificateSpec& each : spec.intermediates) {
      UniqueKey own(EVP_EC_gen("P-256"), &EVP_PKEY_free);
      const Issuer issuer{issuers.empty() ? root.certificate : issuers.back().first,
                          issuers.empty() ? root.key.get() : issuers.back().second.get()};
      Certificate made = IssueCertificate(each, own.get(), &issuer);
      out.push_back(made.der());
      issuers.emplace_back(std::move(made), std::move(own));
    }
    const Issuer issuer{issuers.back().first, issuers.back().second.get()};
    out.push_back(IssueCertificate(spec.leaf, key, &issuer).der());
    return out;
  }

  void Chains() {
    EVP_PKEY* key = certified_.key.get();
    for (const BadChain& bad : BadChains()) {
      ChainSpec spec;
      bad.change(spec);
      Add(bad.name, Certified(Certificates(root_, spec, key)), bad.error);
    }
    ChainSpec server;
    server.leaf.extended_key_usage = "serverAuth";
    Add("leaf-for-another-use", Certified(Certificates(root_, server, key)), "chain ");
    const UniqueKey p521(EVP_EC_gen("P-521"), &EVP_PKEY_free);
    Add("leaf-curve-p521", Certified(Certificates(root_, {}, p521.get())), "chain secp521r1");
    Add("leaf-of-another-key", Certified(Certificates(root_, {}, ForgedKey::Ecdsa().key.get())),
        "chain one of another key");
    Add("another-root-of-the-same-name", Certified(Certificates(ForgedRoot(), {}, key)),
        "chain some that do not begin with it");
    std::vector<Bytes> in_front = Certificates(ForgedRoot(), {}, key);
    in_front[0] = root_.certificate.der();
    Add("pinned-root-before-another-chain", Certified(in_front),
        "chain certificate 1 above the leaf");
    std::vector<Bytes> tail = Certificates(root_, {}, key);
    tail.back().push_back(0);
    Add("certificate-trailing-byte", Certified(tail), "chain ");
    Add("root-alone", Certified({root_.certificate.der()}), "chain some that do not begin with it");
  }

  static TpmEvidence WholeEvidence(const ForgedKey& key) {
    TpmEvidence evidence = ForgeTpmEvidence(key);
    evidence.user_data = Bytes(4, 3);
    evidence.public_key = Bytes(4, 2);
    Requote(evidence, key);
    return evidence;
  }

  const ForgedRoot root_;
  const ForgedKey key_ = ForgedKey::Ecdsa();        // the policy names it
  const ForgedKey certified_ = ForgedKey::Ecdsa();  // it does not name this one
  const TpmEvidence evidence_ = WholeEvidence(key_);
  const MapChange map_;
  std::vector<BadCase> cases_;
};

}  // namespace

BadEvidence MakeBadTpm() { return Maker().Make(); }

}  // namespace sealfold
