#include "attest/testing/forge/forge.h"

#include <openssl/ec.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/software/authority/document_writer.h"
#include "protocol/base/error.h"

namespace sealfold {
ChainSpec::ChainSpec()
    : root{.common_name = "test root",
           .not_before_s = kForgeTime_s - 86400,
           .not_after_s = kForgeTime_s + 86400,
           .basic_constraints = "critical,CA:TRUE",
           .key_usage = "critical,keyCertSign"},
      leaf{.common_name = "test leaf",
           .not_before_s = kForgeTime_s - 3600,
           .not_after_s = kForgeTime_s + 7200,
           .basic_constraints = "critical,CA:FALSE",
           .key_usage = "critical,digitalSignature"} {
  AddIntermediate();
}

void ChainSpec::AddIntermediate() {
  CertificateSpec spec = root;
  spec.common_name = absl::StrCat("test intermediate ", intermediates.size());
  intermediates.push_back(std::move(spec));
}

ForgedRoot::ForgedRoot(const CertificateSpec& spec)
    : key(GenerateP384Key()), certificate(IssueCertificate(spec, key.get(), nullptr)) {}

Chain Chain::Make(const ChainSpec& spec) { return Under(ForgedRoot(spec.root), spec); }

Chain Chain::Under(const ForgedRoot& forged, const ChainSpec& spec) {
  const Certificate& root = forged.certificate;
  EVP_PKEY* root_key = forged.key.get();
  std::vector<Certificate> intermediates;
  std::vector<UniqueKey> keys;
  for (const CertificateSpec& each : spec.intermediates) {
    const Issuer issuer{intermediates.empty() ? root : intermediates.back(),
                        keys.empty() ? root_key : keys.back().get()};
    UniqueKey key = GenerateP384Key();
    Certificate made = IssueCertificate(each, key.get(), &issuer);
    intermediates.push_back(std::move(made));
    keys.push_back(std::move(key));
  }
  const Issuer issuer{intermediates.empty() ? root : intermediates.back(),
                      keys.empty() ? root_key : keys.back().get()};
  UniqueKey leaf_key(EVP_EC_gen(spec.leaf_curve), &EVP_PKEY_free);
  SEALFOLD_CHECK(leaf_key != nullptr);
  Certificate leaf = IssueCertificate(spec.leaf, leaf_key.get(), &issuer);
  SEALFOLD_CHECK(EVP_PKEY_up_ref(root_key) == 1);
  keys.insert(keys.begin(), UniqueKey(root_key, &EVP_PKEY_free));
  return {root, std::move(intermediates), std::move(leaf), std::move(leaf_key), std::move(keys)};
}

std::vector<Bytes> Chain::Bundle() const {
  std::vector<Bytes> bundle = {root.der()};
  for (const Certificate& certificate : intermediates) bundle.push_back(certificate.der());
  return bundle;
}

NitroDocument Chain::Content() const {
  NitroDocument content{.module_id = "test-module",
                        .timestamp_ms = kForgeTime_ms,
                        .certificate = leaf.der(),
                        .cabundle = Bundle(),
                        .nonce = ToBytes(AsBytes("nonce"))};
  content.registers[0] = Bytes(48, 0x11);
  for (uint32_t i = 1; i < 16; ++i) content.registers[i] = Bytes(48);
  return content;
}

Bytes Chain::Sign(const NitroDocument& content) const {
  return WriteNitroDocument(content, leaf_key.get());
}

EvidencePolicy Chain::Policy() const {
  return {.platform = "sealfold-softnsm",
          .root_pem = root.Pem(),
          .reference_values = {{.name = "build", .registers = {{0, Bytes(48, 0x11)}}}}};
}

EvidenceExpectation ForgeExpectation() {
  return {.nonce = ToBytes(AsBytes("nonce")), .now_ms = kForgeTime_ms};
}

}  // namespace sealfold
