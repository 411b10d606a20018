// Certificate revocation lists of the tests' own making, with anything wrong in them that a test
// wants.
#ifndef SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LIST_H_
#define SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LIST_H_

#include <openssl/evp.h>

#include <cstdint>
#include <string>
#include <vector>

#include "attest/testing/forge/forge.h"
#include "attest/x509/certificate.h"
#include "attest/x509/revocation/revocation.h"

namespace sealfold {

struct ListSpec {
  std::vector<Certificate> revoked = {};
  int64_t this_update_s = kForgeTime_s - 3600;
  int64_t next_update_s = kForgeTime_s + 3600;  // 0: left out
  // By OpenSSL's number of the extension, in DER; empty: none.
  int extension_nid = 0;
  Bytes extension = {};
  bool critical = false;
};

// DER, signed with SHA-384 by `key` in the name of `issuer`.
Bytes ForgeList(const ListSpec& spec, const Certificate& issuer, EVP_PKEY* key);
std::string ListPem(ByteSpan der);
// Requires: each is a list, in DER or PEM.
std::vector<RevocationList> ParseLists(const std::vector<Bytes>& lists);

// A chain whose authorities may sign lists.
ChainSpec ListingChainSpec();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_FORGE_FORGE_LIST_H_
