#include "attest/tpm/structure/tpm_signature.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "attest/tpm/structure/tpm_hash.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"

namespace sealfold {
bool VerifyTpmSignature(const TpmPublic& key, ByteSpan message, const TpmSignature& signature) {
  if (key.scheme != signature.scheme || key.scheme_hash != signature.hash) return false;
  const absl::StatusOr<UniquePkey> pkey = key.Key();
  if (!pkey.ok()) return false;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  SEALFOLD_CHECK(context != nullptr);
  EVP_PKEY_CTX* parameters = nullptr;
  const EVP_MD* md = TpmHashMd(signature.hash);
  bool valid = EVP_DigestVerifyInit(context.get(), &parameters, md, nullptr, pkey->get()) == 1;
  if (valid && signature.scheme == kTpmAlgRsaPss) {
    // TPMs differ in the salt's length; the hash and MGF1's are the scheme's.
    valid = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1;
  }
  const Bytes bytes = signature.scheme == kTpmAlgEcdsa
                          ? EcdsaToDer(signature.ecdsa_r, signature.ecdsa_s)
                          : signature.rsa;
  valid = valid && EVP_DigestVerify(context.get(), bytes.data(), bytes.size(), message.data(),
                                    message.size()) == 1;
  ERR_clear_error();
  return valid;
}

}  // namespace sealfold
