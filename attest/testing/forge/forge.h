// Chains and documents of the tests' own making, with anything wrong in them that a test wants.
#ifndef SEALFOLD_ATTEST_TESTING_FORGE_FORGE_H_
#define SEALFOLD_ATTEST_TESTING_FORGE_FORGE_H_

#include <string>
#include <vector>

#include "attest/nitro/document.h"
#include "attest/software/authority/issue.h"
#include "attest/software/authority/key.h"
#include "attest/verifier.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// The time of everything made here unless a test changes it: 2026-06-01T00:00:00Z.
inline constexpr uint64_t kForgeTime_ms = 1'780'272'000'000;
inline constexpr int64_t kForgeTime_s = kForgeTime_ms / 1000;

// What a chain is made of: good as it stands, from a root over one intermediate to a leaf.
struct ChainSpec {
  CertificateSpec root;
  std::vector<CertificateSpec> intermediates;
  CertificateSpec leaf;
  const char* leaf_curve = "P-384";

  ChainSpec();
  // Another intermediate like the first, signed by the last so far.
  void AddIntermediate();
};

// A root that several chains are under.
struct ForgedRoot {
  explicit ForgedRoot(const CertificateSpec& spec = ChainSpec().root);
  UniqueKey key;
  Certificate certificate;
};

struct Chain {
  static Chain Make(const ChainSpec& spec = {});
  // `spec.root` is not looked at.
  static Chain Under(const ForgedRoot& root, const ChainSpec& spec = {});

  Certificate root;
  std::vector<Certificate> intermediates;
  Certificate leaf;
  UniqueKey leaf_key;
  std::vector<UniqueKey> issuer_keys;  // the root's, then the intermediates'

  std::vector<Bytes> Bundle() const;  // DER, root first
  // A good document's content: register 0 is all 0x11, 1 to 15 are zero; nonce "nonce".
  NitroDocument Content() const;
  Bytes Document() const { return Sign(Content()); }
  Bytes Sign(const NitroDocument& content) const;
  // That accepts Document() under this root, on the software platform.
  EvidencePolicy Policy() const;
};

// At the document's time, with its nonce.
EvidenceExpectation ForgeExpectation();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_FORGE_FORGE_H_
