// Who an aggregator that keeps state is, across its restarts, and over runs where the state of one
// is given to the next: a signing key that lies in the state, so only whom the key service releases
// the state's key to has it.
//
// It signs what each attempt's evidence binds, that attempt's keys among it, and nothing else: so a
// claim is of no use to an aggregator with other keys (docs/PROTOCOL.md, "Identity").
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_IDENTITY_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_IDENTITY_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/binding.h"

namespace sealfold {

// The seed of the identity of an aggregator that begins without any state, which holds the key that
// seals its first; every later one finds the seed in the state. SigningKey::kSeedSize bytes.
Secret IdentitySeed(ByteSpan state_key);

// COSE_Sign1 by `identity`, for the attempt whose evidence binds `binding`.
Bytes SignIdentity(const SigningKey& identity, const Binding& binding);

// Whose claim it is. PermissionDenied, "identity_wrong", unless its signer made it for `binding`.
absl::StatusOr<SigningPublicKey> OpenIdentity(ByteSpan claim, const Binding& binding);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_IDENTITY_H_
