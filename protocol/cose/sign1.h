// COSE_Sign1 (RFC 9052, 4.2), EdDSA with Ed25519: how plans, envelope headers, receipts and records
// are signed. Untagged array of four: protected {1: -8, 4: signer's public key}, unprotected {},
// payload, signature. Deterministic, and refused when re-encoding differs.
#ifndef SEALFOLD_PROTOCOL_COSE_SIGN1_H_
#define SEALFOLD_PROTOCOL_COSE_SIGN1_H_

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/cbor/value.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

struct Sign1 {
  SigningPublicKey signer;
  Bytes payload;
};

// `context` separates uses ("sealfold plan 1", ...): it is the external_aad of the Sig_structure.
Bytes SignSign1(const SigningKey& key, absl::string_view context, ByteSpan payload);

// Checks form and signature by the key that the protected header names; whether that key may sign
// this is the caller's question. InvalidArgument ("cbor_*", "cose_malformed") or PermissionDenied
// ("signature_wrong").
absl::StatusOr<Sign1> OpenSign1(ByteSpan bytes, absl::string_view context,
                                size_t size_bytes_max = cbor::Limits{}.size_bytes_max);

// The Sig_structure ["Signature1", protected, external_aad, payload] for any algorithm (attest/
// uses it).
Bytes SigStructure(ByteSpan protected_header, ByteSpan external_aad, ByteSpan payload);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_COSE_SIGN1_H_
