// Documents of the Nitro hypervisor's form.
#include <openssl/rsa.h>

#include "absl/strings/str_cat.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/software/authority/document_writer.h"
#include "attest/testing/forge/forge.h"
#include "protocol/base/error.h"
#include "tests/bad_evidence/bad_evidence.h"
#include "tests/bad_evidence/cbor_change.h"
#include "tests/bad_evidence/chains.h"

namespace sealfold {
namespace {

using cbor::Value;

// Of bits that are wrong and of bits that another key made nobody can say which they are.
constexpr char kNotVerified[] =
    "signature: expected an ES384 signature by the leaf certificate's key, found one that does not "
    "verify";

Value BytesOf(size_t size) { return Value::OfBytes(Bytes(size, 1)); }

class Maker {
 public:
  explicit Maker(const NitroDocumentKind& kind)
      : kind_(kind), chain_(Chain::Under(root_)), payload_(PayloadOf(Document(chain_))) {}

  BadEvidence Make() {
    BadEvidence out{.good = Document(chain_)};
    out.policy.root_pem = root_.certificate.Pem();
    Fields();
    Sizes();
    Scalars();
    Registers();
    Encodings();
    Envelopes(out.good);
    Chains();
    Signatures(out.good);
    out.cases = std::move(cases_);
    return out;
  }

 private:
  // A good document's content. One enclave register keeps it small; a TPM has all of its.
  NitroDocument Content(const Chain& chain) const {
    NitroDocument content = chain.Content();
    content.registers = {{0, Bytes(48, 0x11)}};
    if (kind_.registers_min > 1) {
      for (uint32_t i = 0; i < kind_.registers_min; ++i) {
        content.registers[i] = Bytes(48, i < 8 ? static_cast<uint8_t>(0x10 + i) : 0);
      }
    }
    content.public_key = Bytes(4, 2);
    content.user_data = Bytes(4, 3);
    return content;
  }
  Bytes Document(const Chain& chain) const {
    return WriteNitroDocument(Content(chain), chain.leaf_key.get(), kind_);
  }
  Bytes PayloadOf(ByteSpan document) const {
    return ParseNitroDocument(document, kind_).value().payload;
  }

  void Add(std::string name, Bytes evidence, std::string error, std::string same_as = "") {
    cases_.push_back({std::move(name), std::move(evidence), std::move(error), std::move(same_as)});
  }
  // A payload that the leaf's key signed.
  void AddPayload(std::string name, ByteSpan payload, std::string error, std::string same_as = "") {
    Add(std::move(name), SignNitroPayload(payload, chain_.leaf_key.get()), std::move(error),
        std::move(same_as));
  }
  void AddField(std::string name, absl::string_view field, const Value& value, std::string error) {
    AddPayload(std::move(name), payload_.With(field, value), std::move(error));
  }
  static std::string About(absl::string_view code, absl::string_view field,
                           absl::string_view found) {
    return absl::StrCat("document_", code, " attestation document's ", field,
                        ": expected *, found ", found);
  }
  // Of the payload's CBOR.
  static std::string Within(absl::string_view code, absl::string_view found) {
    return absl::StrCat("cbor_", code, " attestation document's payload: CBOR at byte *, found ",
                        found);
  }

  void Fields() {
    const std::string registers(kind_.registers_field);
    for (const std::string& field :
         {std::string("module_id"), std::string("digest"), std::string("timestamp"), registers,
          std::string("certificate"), std::string("cabundle")}) {
      AddPayload(absl::StrCat("missing-", field), payload_.Without(field),
                 About("field_missing", field, "none"));
      AddField(absl::StrCat("null-", field), field, Value(),
               About(field == "timestamp" ? "timestamp" : "field_type", field, "null"));
    }
    for (const std::string& field :
         {std::string("module_id"), std::string("digest"), std::string("timestamp"), registers,
          std::string("certificate"), std::string("cabundle"), std::string("public_key"),
          std::string("user_data"), std::string("nonce")}) {
      AddPayload(absl::StrCat("doubled-", field), payload_.Doubled(field),
                 Within("key_doubled", absl::StrCat("key '", field, "' twice")));
      AddField(absl::StrCat("type-", field), field, Value::Bool(true),
               About(field == "timestamp" ? "timestamp" : "field_type", field, "boolean"));
    }
    Bytes unknown = payload_.Doubled("nonce");
    // The second of the two under another name.
    const Bytes name = cbor::Encode(Value::Text("nonce"));
    for (size_t i = unknown.size() - name.size();; --i) {
      if (ByteSpan(unknown).subspan(i, name.size()) == ByteSpan(name)) {
        unknown[i + 1] = 'm';
        break;
      }
    }
    AddPayload("unknown-field", unknown, About("field_unknown", "payload", "field 'monce'"));
  }

  void Sizes() {
    struct Bound {
      const char* field;
      size_t size_max;
    };
    for (const Bound& bound :
         {Bound{"certificate", kNitroCertificateSizeMax},
          Bound{"public_key", kind_.public_key_size_max},
          Bound{"user_data", kind_.user_data_size_max}, Bound{"nonce", kind_.nonce_size_max}}) {
      AddField(absl::StrCat("long-", bound.field), bound.field, BytesOf(bound.size_max + 1),
               About("field_length", bound.field, absl::StrCat(bound.size_max + 1, " bytes")));
    }
    cbor::Array bundle = *payload_.at("cabundle").as_array();
    bundle.push_back(BytesOf(kNitroCertificateSizeMax + 1));
    AddField(
        "long-cabundle-certificate", "cabundle", Value::OfArray(bundle),
        About("field_length", "cabundle[2]", absl::StrCat(kNitroCertificateSizeMax + 1, " bytes")));
    AddField("long-cabundle", "cabundle",
             Value::OfArray(cbor::Array(kNitroCertificatesMax + 1, BytesOf(1))),
             About("field_length", "cabundle", absl::StrCat(kNitroCertificatesMax + 1)));
    AddField("empty-cabundle", "cabundle", Value::OfArray({}),
             About("field_length", "cabundle", "0"));
    AddField("empty-module_id", "module_id", Value::Text(""),
             About("field_length", "module_id", "empty text"));
    Bytes huge = payload_.With("module_id", Value::Text(std::string(kind_.document_size_max, 'x')));
    AddPayload("long-document", huge,
               "cbor_too_large CBOR at byte 0: expected at most *, found * bytes");
  }

  void Scalars() {
    AddField("digest-sha256", "digest", Value::Text("SHA256"), About("digest", "digest", "SHA256"));
    AddField("timestamp-zero", "timestamp", Value::Unsigned(0),
             About("timestamp", "timestamp", "0"));
    AddField("timestamp-beyond", "timestamp", Value::Unsigned(UINT64_MAX),
             About("timestamp", "timestamp", absl::StrCat(UINT64_MAX)));
    AddField("timestamp-negative", "timestamp", Value::Int(-1),
             About("timestamp", "timestamp", "negative integer"));
  }

  void Registers() {
    const std::string field(kind_.registers_field);
    const auto with = [&](const Value& index, const Value& value) {
      cbor::Map registers = *payload_.at(field).as_map();
      registers.back() = {index, value};
      return Value::OfMap(registers);
    };
    const uint64_t last = kind_.registers_min - 1;
    const std::string pcr = absl::StrCat("pcr", last);
    AddField("register-one-byte-long", field, with(Value::Unsigned(last), BytesOf(49)),
             About("register_value", pcr, "49 bytes"));
    AddField("register-one-byte-short", field, with(Value::Unsigned(last), BytesOf(47)),
             About("register_value", pcr, "47 bytes"));
    AddField("register-text", field, with(Value::Unsigned(last), Value::Text("x")),
             About("register_value", pcr, "text"));
    AddField("register-index-beyond", field,
             with(Value::Unsigned(kind_.registers_max), BytesOf(48)),
             About("register_index", field, absl::StrCat(kind_.registers_max)));
    AddField("register-index-wraps", field, with(Value::Unsigned(uint64_t{1} << 32), BytesOf(48)),
             About("register_index", field, absl::StrCat(uint64_t{1} << 32)));
    AddField("register-index-negative", field, with(Value::Int(-1), BytesOf(48)),
             About("register_index", field, "negative integer"));
    AddField("registers-none", field, Value::OfMap({}), About("field_length", field, "0"));
    cbor::Map many;
    for (uint64_t i = 0; i <= kind_.registers_max; ++i) {
      many.emplace_back(Value::Unsigned(i), BytesOf(32));
    }
    AddField("registers-too-many", field, Value::OfMap(many),
             About("field_length", field, absl::StrCat(kind_.registers_max + 1)));
  }

  void Encodings() {
    const Bytes payload = payload_.With("nonce", payload_.at("nonce"));
    Bytes trailing = payload;
    trailing.push_back(0);
    AddPayload("payload-trailing-byte", trailing, Within("trailing", "1 more bytes"));
    AddPayload("payload-cut-short", ByteSpan(payload).first(payload.size() - 1),
               Within("truncated", "the end within one of * bytes or more"));
    AddPayload("payload-not-a-map", Nested(0), About("field_type", "payload", "unsigned integer"));
    AddPayload("number-not-minimal", payload_.WithRaw(kind_.registers_field, NotMinimalRegisters()),
               Within("not_shortest", "initial byte 0x1b"));
    AddPayload("length-not-minimal",
               payload_.WithRaw("nonce", LongString(*payload_.at("nonce").as_bytes())),
               Within("not_shortest", "initial byte 0x5b"));
    Bytes tagged = {0xc0};
    Append(tagged, cbor::Encode(payload_.at("nonce")));
    AddPayload("tag-in-payload", payload_.WithRaw("nonce", tagged),
               Within("item_refused", "initial byte 0xc0"));
    const Bytes chunked = {0x5f, 0x41, 1, 0x41, 2, 0xff};
    AddPayload("chunked-nonce", payload_.WithRaw("nonce", chunked),
               Within("item_refused", "initial byte 0x5f"));
    AddPayload("nesting-bomb-in-payload", payload_.WithRaw("nonce", Nested(1000)),
               Within("too_deep", "more"));
    const Bytes lie = {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    AddPayload("length-that-lies", payload_.WithRaw("nonce", lie),
               Within("truncated", "the end within one of 9223372036854775816 bytes or more"),
               "payload-cut-short");
    const Bytes count = {0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff};
    AddPayload("count-that-lies", payload_.WithRaw("cabundle", count),
               Within("truncated", "fewer bytes than that"));
    Bytes items = {0x99, 0x03, 0xe8};
    items.resize(items.size() + 1000, 0xf6);
    AddPayload("too-many-items", payload_.WithRaw("cabundle", items),
               Within("too_many_items", "more"));
  }
  Bytes NotMinimalRegisters() const {
    Bytes out = {0xa1};
    Append(out, LongNumber(0));
    Append(out, cbor::Encode(BytesOf(48)));
    return out;
  }

  void Envelopes(const Bytes& good) {
    const cbor::Array parts = *cbor::ParseTolerant(good)->as_array();
    const auto with = [&](size_t part, Value value) {
      cbor::Array changed = parts;
      changed[part] = std::move(value);
      return cbor::Encode(Value::OfArray(std::move(changed)));
    };
    const auto header = [](absl::string_view found) {
      return About("algorithm", "protected header", found);
    };
    Add("algorithm-es256", with(0, Value::OfBytes(Bytes{0xa1, 0x01, 0x26})), header("a10126"));
    Add("algorithm-ps384", with(0, Value::OfBytes(Bytes{0xa1, 0x01, 0x38, 0x25})),
        header("a1013825"));
    Add("algorithm-none", with(0, Value::OfBytes({})), header(""));
    Add("algorithm-not-minimal", with(0, Value::OfBytes(Bytes{0xa1, 0x01, 0x39, 0x00, 0x22})),
        header("a101390022"));
    Add("unprotected-header", with(1, Value::OfMap({{Value::Unsigned(1), Value::Int(-35)}})),
        About("envelope", "unprotected header", "something else"));
    Add("payload-null", with(2, Value()), About("envelope", "payload", "null"));
    Add("payload-empty", with(2, Value::OfBytes({})),
        "cbor_truncated attestation document's payload: CBOR at byte 0: expected an item, found "
        "the "
        "end");
    Add("signature-one-byte-short", with(3, BytesOf(95)),
        About("envelope", "signature", "95 bytes"));
    Add("signature-one-byte-long", with(3, BytesOf(97)),
        About("envelope", "signature", "97 bytes"));
    cbor::Array five = parts;
    five.push_back(Value());
    Add("envelope-of-five", cbor::Encode(Value::OfArray(five)),
        About("envelope", "envelope", "an array of 5"));
    Bytes tagged = {0xd2};
    Append(tagged, good);
    Add("envelope-tagged", tagged,
        "cbor_item_refused CBOR at byte 0: expected *, found initial byte 0xd2");
    Bytes trailing = good;
    trailing.push_back(0);
    Add("envelope-trailing-byte", trailing,
        "cbor_trailing CBOR at byte *: expected the end, found 1 more bytes");
    Add("envelope-cut-short", Bytes(good.begin(), good.end() - 1),
        "cbor_truncated CBOR at byte *: expected an item, found the end within one of 98 bytes or "
        "more");
    Bytes not_minimal = {0x98, 0x04};
    not_minimal.insert(not_minimal.end(), good.begin() + 1, good.end());
    Add("envelope-not-minimal", not_minimal,
        "cbor_not_shortest CBOR at byte 0: expected *, found initial byte 0x98");
    Add("nesting-bomb", Nested(4000),
        "cbor_too_deep CBOR at byte *: expected at most 4 levels, found more");
    Add("empty", {}, "cbor_truncated CBOR at byte 0: expected an item, found the end");
  }

  void Chains() {
    for (const BadChain& bad : BadChains()) {
      ChainSpec spec;
      bad.change(spec);
      Add(bad.name, Document(Chain::Under(root_, spec)), bad.error);
    }
    ChainSpec curve;
    curve.leaf_curve = "P-256";
    // Its key signs the document too, as well as it can: the chain is looked at first.
    Chain wrong = Chain::Under(root_, curve);
    NitroDocument content = Content(chain_);
    content.certificate = wrong.leaf.der();
    content.cabundle = wrong.Bundle();
    const auto sign = [this](const NitroDocument& given) {
      return WriteNitroDocument(given, chain_.leaf_key.get(), kind_);
    };
    Add("leaf-curve-p256", sign(content),
        "chain: expected certificate *: a key on P-384, found prime256v1");
    content.certificate = RsaLeaf().der();
    Add("leaf-rsa", sign(content),
        "chain: expected certificate *: a key on P-384, found another kind of key");
    const ForgedRoot other;
    Add("another-root-of-the-same-name", Document(Chain::Under(other)),
        "chain: expected a chain to the pinned root, SHA-256 *, found another root, SHA-256 *, CN "
        "= "
        "test root");
    const Chain under_other = Chain::Under(other);
    NitroDocument pinned_in_front = Content(under_other);
    pinned_in_front.cabundle[0] = root_.certificate.der();
    Add("pinned-root-before-another-chain",
        WriteNitroDocument(pinned_in_front, under_other.leaf_key.get(), kind_),
        "chain: expected *, found certificate 1 above the leaf (of 2, the root): unable to get "
        "local issuer certificate");
    content = Content(chain_);
    content.cabundle.push_back(content.cabundle[1]);
    Add("intermediate-twice", sign(content),
        "chain: expected *, found a chain that leaves some out or has another order");
    content = Content(chain_);
    content.certificate.push_back(0);
    Add("certificate-trailing-byte", sign(content),
        "format: expected certificate: one certificate, found 1 bytes after the certificate's end");
    content.certificate = {1, 2, 3};
    Add("certificate-is-none", sign(content),
        "format: expected certificate: an X.509 certificate in DER, found 3 bytes that are none");
  }
  Certificate RsaLeaf() const {
    const UniqueKey rsa(EVP_RSA_gen(2048), &EVP_PKEY_free);
    const Issuer issuer{root_.certificate, root_.key.get()};
    return IssueCertificate(ChainSpec().leaf, rsa.get(), &issuer);
  }

  void Signatures(const Bytes& good) {
    Add("signed-by-another-key",
        WriteNitroDocument(Content(chain_), Chain::Under(root_).leaf_key.get(), kind_),
        kNotVerified);
    Bytes zero = good;
    std::fill(zero.end() - 96, zero.end(), 0);
    Add("signature-zero", zero,
        "signature: expected an ES384 signature by the leaf certificate's key, found zeros, which "
        "no "
        "key makes");
    Bytes changed = good;
    changed.back() ^= 1;
    Add("signature-one-bit", changed, kNotVerified, "signed-by-another-key");
  }

  const NitroDocumentKind& kind_;
  const ForgedRoot root_;
  const Chain chain_;
  const MapChange payload_;
  std::vector<BadCase> cases_;
};

}  // namespace

BadEvidence MakeBadNitro() {
  BadEvidence out = Maker(kNsmDocument).Make();
  out.fuzz_target = "fuzz_nitro_document";
  out.policy.platform = "sealfold-softnsm";
  out.policy.reference_values = {{.name = "build", .registers = {{0, Bytes(48, 0x11)}}}};
  return out;
}

BadEvidence MakeBadNitroTpm() {
  BadEvidence out = Maker(kNitroTpmDocument).Make();
  out.fuzz_target = "fuzz_nitrotpm_document";
  out.policy.platform = "aws-nitrotpm";
  out.policy.reference_values = {{.name = "image", .registers = {{4, Bytes(48, 0x14)}}}};
  return out;
}

}  // namespace sealfold
