// TPM quotes with what it takes to judge them.
#include <openssl/ec.h>

#include "absl/strings/str_cat.h"
#include "attest/testing/forge/forge_tpm.h"
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
  void Add(std::string name, Bytes evidence, std::string error, std::string same_as = "") {
    cases_.push_back({std::move(name), std::move(evidence), std::move(error), std::move(same_as)});
  }
  void AddField(std::string name, absl::string_view field, const Value& value, std::string error) {
    Add(std::move(name), map_.With(field, value), std::move(error));
  }

  // Of the evidence's own CBOR.
  static std::string OfCbor(absl::string_view code, absl::string_view found) {
    return absl::StrCat("cbor_", code, " CBOR at byte *, found ", found);
  }
  // Of a structure of the TPM's.
  static std::string OfField(absl::string_view field, absl::string_view found) {
    return absl::StrCat("tpm_field ", field, ": expected *, found ", found);
  }
  static std::string Malformed(absl::string_view field, absl::string_view found) {
    return absl::StrCat("evidence_malformed TPM evidence's ", field, ": expected *, found ", found);
  }
  static std::string FieldType(absl::string_view field, absl::string_view found) {
    return absl::StrCat("field_type field ", field, ": expected *, found ", found);
  }

  void Fields() {
    for (const char* field : {"type", "attest", "signature", "attestation_key", "registers",
                              "certificates", "timestamp"}) {
      Add(absl::StrCat("missing-", field), map_.Without(field),
          absl::StrCat("field_missing field ", field, ": expected *"));
      AddField(absl::StrCat("null-", field), field, Value(), FieldType(field, "null"));
    }
    for (const char* field : {"type", "attest", "signature", "attestation_key", "registers",
                              "certificates", "timestamp", "nonce", "user_data", "public_key"}) {
      Add(absl::StrCat("doubled-", field), map_.Doubled(field),
          OfCbor("key_doubled", absl::StrCat("key '", field, "' twice")));
      AddField(absl::StrCat("type-", field), field, Value::Bool(true), FieldType(field, "boolean"));
    }
    AddField("type-of-another-object", "type", Value::Text("sealfold-tpm2-evidence-2"),
             "message_type field type: expected sealfold-tpm2-evidence-1, found "
             "sealfold-tpm2-evidence-2");
    AddField("timestamp-zero", "timestamp", Value::Unsigned(0), Malformed("timestamp", "0"));
    AddField("timestamp-beyond", "timestamp", Value::Unsigned(UINT64_MAX),
             Malformed("timestamp", absl::StrCat(UINT64_MAX)));
  }

  void Sizes() {
    const auto longer = [](absl::string_view field, size_t size_max) {
      return Malformed(field, absl::StrCat(size_max + 1, " bytes"));
    };
    AddField("long-nonce", "nonce", BytesOf(kTpmNonceSizeMax + 1),
             longer("nonce", kTpmNonceSizeMax));
    AddField("long-user_data", "user_data", BytesOf(kTpmUserDataSizeMax + 1),
             longer("user_data", kTpmUserDataSizeMax));
    AddField("long-public_key", "public_key", BytesOf(kTpmPublicKeySizeMax + 1),
             longer("public_key", kTpmPublicKeySizeMax));
    AddField("long-certificates", "certificates",
             Value::OfArray(cbor::Array(kTpmCertificatesMax + 1, BytesOf(1))),
             Malformed("certificates", absl::StrCat(kTpmCertificatesMax + 1)));
    AddField("long-certificate", "certificates",
             Value::OfArray({BytesOf(kTpmCertificateSizeMax + 1)}),
             longer("certificates", kTpmCertificateSizeMax));
    cbor::Array registers = *map_.at("registers").as_array();
    registers.push_back(BytesOf(32));
    AddField("register-too-many", "registers", Value::OfArray(registers),
             Malformed("registers", "4"));
    registers.resize(2);
    AddField("register-too-few", "registers", Value::OfArray(registers),
             Malformed("registers", "2"));
    registers.push_back(BytesOf(33));
    AddField("register-one-byte-long", "registers", Value::OfArray(registers),
             Malformed("registers", "33 bytes"));
  }

  void Encodings(const Bytes& good) {
    Add("trailing-byte", WithTail(good), OfCbor("trailing", "1 more bytes"));
    Add("cut-short", Short(good), OfCbor("truncated", "the end within one of * bytes or more"));
    Bytes not_minimal = {0xb8, static_cast<uint8_t>(good[0] & 0x1f)};
    not_minimal.insert(not_minimal.end(), good.begin() + 1, good.end());
    Add("number-not-minimal", not_minimal,
        "cbor_not_deterministic CBOR message: expected *, found another encoding of the same data");
    Bytes indefinite = {0xbf};
    indefinite.insert(indefinite.end(), good.begin() + 1, good.end());
    indefinite.push_back(0xff);
    Add("indefinite-map", indefinite, OfCbor("not_deterministic", "an indefinite one"));
    Bytes tagged = {0xd2};
    Append(tagged, good);
    Add("tagged", tagged, OfCbor("item_refused", "initial byte 0xd2"));
    const Bytes chunked = {0x5f, 0x41, 1, 0x41, 2, 0xff};
    Add("chunked-nonce", map_.WithRaw("nonce", chunked),
        OfCbor("item_refused", "initial byte 0x5f"));
    Add("nesting-bomb", Nested(4000), OfCbor("too_deep", "more"));
    Add("nesting-bomb-in-field", map_.WithRaw("nonce", Nested(1000)), OfCbor("too_deep", "more"),
        "nesting-bomb");
    const Bytes lie = {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    Add("length-that-lies", map_.WithRaw("nonce", lie),
        OfCbor("truncated", "the end within one of 9223372036854775816 bytes or more"),
        "cut-short");
    const Bytes count = {0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff};
    Add("count-that-lies", map_.WithRaw("registers", count),
        OfCbor("truncated", "fewer bytes than that"));
    Add("empty", {}, "cbor_truncated CBOR at byte 0: expected an item, found the end");
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
    AddQuote("quote-magic", Quote({.magic = 0xff544348}),
             OfField("TPMS_ATTEST's magic", "0xff544348"));
    AddQuote("quote-of-a-certification", Quote({.type = 0x8017}),
             OfField("TPMS_ATTEST's type", "0x8017"));
    AddQuote("quote-extra-data-one-byte-long", Quote({.extra_data = Bytes(65)}),
             OfField("TPMS_ATTEST's extraData", "65"));
    AddQuote("quote-raw-nonce-as-extra-data", Quote({.extra_data = *evidence_.nonce}),
             absl::StrCat("qualifying_data: expected *, found ", HexEncode(*evidence_.nonce)));
    AddQuote("quote-digest-of-other-registers", Quote({.register_digest = Bytes(32)}),
             "quote: expected *, found 000000000000000000000000...00000000 (32 bytes)");
    AddQuote("quote-digest-one-byte-long", Quote({.register_digest = Bytes(49)}),
             OfField("TPMS_ATTEST's pcrDigest", "49"));
    AddQuote("quote-without-registers", Quote({.registers = 0}),
             OfField("TPMS_ATTEST's pcrSelect", "0x0"));
    AddQuote("quote-trailing-byte", WithTail(Quote({})),
             "tpm_trailing TPMS_ATTEST's end: expected *, found 1 bytes");
    AddQuote("quote-cut-short", Short(Quote({})),
             "tpm_truncated TPMS_ATTEST: expected 32 more bytes, found 31");
    AddQuote("quote-of-the-null-hierarchy", Quote({.hierarchy = 0x40000007}),
             "attestation_key: expected *, found a quote whose signer is called *: another key, or "
             "one that "
             "is not primary");
    // Before the digest: count 4, bank 2, size 1, mask 3, then its own length 2 and 32 bytes.
    const Bytes quote = Quote({});
    AddQuote("quote-bank-sha1", WithU16(quote, quote.size() - 34 - 6, kSha1),
             OfField("TPMS_ATTEST's bank", "0x4"));
    AddQuote("quote-of-two-banks", WithU16(quote, quote.size() - 34 - 8, 2),
             OfField("TPMS_ATTEST's pcrSelect", "0x2"));
  }

  void AddSignature(std::string name, ByteSpan signature, std::string error) {
    AddField(std::move(name), "signature", Value::OfBytes(signature), std::move(error));
  }

  void Signatures() {
    const Bytes& good = evidence_.signature;
    AddSignature("signature-algorithm-unknown", WithU16(good, 0, 0x0005),
                 OfField("TPMT_SIGNATURE's sigAlg", "0x5"));
    AddSignature("signature-hash-sha1", WithU16(good, 2, kSha1),
                 OfField("TPMT_SIGNATURE's hash", "0x4"));
    AddSignature("signature-hash-other-than-the-keys", WithU16(good, 2, kTpmAlgSha384),
                 "signature: expected *, found one of another scheme than the key's, with SHA-384");
    AddSignature("signature-trailing-byte", WithTail(good),
                 "tpm_trailing TPMT_SIGNATURE's end: expected *, found 1 bytes");
    AddSignature("signature-cut-short", Short(good),
                 "tpm_truncated TPMT_SIGNATURE: expected * more bytes, found *");
    AddSignature("signature-r-one-byte-long",
                 TpmWriter()
                     .U16(kTpmAlgEcdsa)
                     .U16(kTpmAlgSha256)
                     .Sized(Bytes(49, 1))
                     .Sized(Bytes(32, 1))
                     .bytes(),
                 OfField("TPMT_SIGNATURE's signatureR", "49"));
    AddSignature(
        "signature-zero",
        TpmWriter().U16(kTpmAlgEcdsa).U16(kTpmAlgSha256).Sized(Bytes(32)).Sized(Bytes(32)).bytes(),
        "signature: expected *, found zeros, which no key makes");
    AddSignature("signed-by-another-key", ForgedKey::Ecdsa().Sign(evidence_.attest),
                 "signature: expected *, found one that does not verify");
  }

  void AddKey(std::string name, ByteSpan key, std::string error) {
    AddField(std::move(name), "attestation_key", Value::OfBytes(key), std::move(error));
  }

  void Keys() {
    const Bytes good = key_.Public();
    // type 2, nameAlg 2, attributes 4, authPolicy 2, symmetric 2, scheme 2, hash 2, curve 2.
    AddKey("key-type-keyed-hash", WithU16(good, 0, 0x0008), OfField("TPMT_PUBLIC's type", "0x8"));
    AddKey("key-name-sha1", WithU16(good, 2, kSha1), OfField("TPMT_PUBLIC's nameAlg", "0x4"));
    AddKey("key-scheme-ecdaa", WithU16(good, 12, 0x001a), OfField("TPMT_PUBLIC's scheme", "0x1a"));
    AddKey("key-hash-sha1", WithU16(good, 14, kSha1),
           OfField("TPMT_PUBLIC's scheme's hash", "0x4"));
    AddKey("key-curve-p521", WithU16(good, 16, kCurveP521),
           OfField("TPMT_PUBLIC's curveID", "0x5"));
    AddKey("key-trailing-byte", WithTail(good),
           "tpm_trailing TPMT_PUBLIC's end: expected *, found 1 bytes");
    AddKey("key-cut-short", Short(good),
           "tpm_truncated TPMT_PUBLIC: expected * more bytes, found *");
    ForgedKey unrestricted = ForgedKey::Ecdsa();
    unrestricted.attributes &= ~kTpmRestricted;
    Add("key-unrestricted", EncodeTpmEvidence(ForgeTpmEvidence(unrestricted)),
        "attestation_key: expected *, found no restricted");
    Add("key-that-nobody-named", EncodeTpmEvidence(ForgeTpmEvidence(ForgedKey::Ecdsa())),
        "chain: expected attestation key's certificates: certificates from the pinned root, "
        "SHA-256 "
        "*..., to the key's, found none");
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
    Add("leaf-for-another-use", Certified(Certificates(root_, server, key)),
        "chain: expected certificate *: extendedKeyUsage 2.23.133.8.3, found a certificate for "
        "another use, or for any");
    const UniqueKey p521(EVP_EC_gen("P-521"), &EVP_PKEY_free);
    Add("leaf-curve-p521", Certified(Certificates(root_, {}, p521.get())),
        "chain: expected certificate *: a key on RSA, P-256 or P-384, found secp521r1");
    Add("leaf-of-another-key", Certified(Certificates(root_, {}, ForgedKey::Ecdsa().key.get())),
        "chain: expected attestation key's certificates: a certificate of the attestation key, "
        "found "
        "one of another key, *");
    Add("another-root-of-the-same-name", Certified(Certificates(ForgedRoot(), {}, key)),
        "chain: expected attestation key's certificates: *, found some that begin with another "
        "certificate");
    std::vector<Bytes> in_front = Certificates(ForgedRoot(), {}, key);
    in_front[0] = root_.certificate.der();
    Add("pinned-root-before-another-chain", Certified(in_front),
        "chain: expected *, found certificate 1 above the leaf (of 2, the root): unable to get "
        "local issuer certificate");
    std::vector<Bytes> tail = Certificates(root_, {}, key);
    tail.back().push_back(0);
    Add("certificate-trailing-byte", Certified(tail),
        "chain: expected attestation key's certificates: certificates, found 1 bytes after the "
        "certificate's end");
    Add("root-alone", Certified({root_.certificate.der()}),
        "chain: expected attestation key's certificates: *, found the root alone");
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
