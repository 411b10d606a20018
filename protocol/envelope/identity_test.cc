#include "protocol/envelope/identity.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::SeedOf;

Binding ExampleBinding() {
  Binding binding;
  binding.plan = Sha256(AsBytes("plan"));
  binding.round = Round(2);
  binding.attempt = Attempt(1);
  binding.hpke_key = Sha256(AsBytes("key"));
  binding.record_key = SigningKey::FromSeed(SeedOf(9)).public_key();
  return binding;
}

TEST(IdentityTest, FollowsFromTheStateKey) {
  const SigningKey identity = SigningKey::FromSeed(IdentitySeed(SeedOf(1).span()));
  EXPECT_EQ(identity.public_key(),
            SigningKey::FromSeed(IdentitySeed(SeedOf(1).span())).public_key());
  EXPECT_NE(identity.public_key(),
            SigningKey::FromSeed(IdentitySeed(SeedOf(2).span())).public_key());
  // The state key itself is no signing key.
  EXPECT_NE(identity.public_key(), SigningKey::FromSeed(SeedOf(1)).public_key());
  const absl::StatusOr<SigningPublicKey> opened =
      OpenIdentity(SignIdentity(identity, ExampleBinding()), ExampleBinding());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened, identity.public_key());
}

TEST(IdentityTest, AClaimIsForOneAttemptAndItsKeys) {
  const Bytes claim =
      SignIdentity(SigningKey::FromSeed(IdentitySeed(SeedOf(1).span())), ExampleBinding());
  std::vector<Binding> others(5, ExampleBinding());
  others[0].record_key = SigningKey::FromSeed(SeedOf(8)).public_key();
  others[1].hpke_key = Digest();
  others[2].attempt = Attempt(2);
  others[3].round = Round(3);
  others[4].plan = Digest();
  for (const Binding& other : others) {
    EXPECT_EQ(ErrorCode(OpenIdentity(claim, other).status()), "identity_wrong");
  }
}

TEST(IdentityTest, EveryByteOfAClaimCounts) {
  const Bytes claim =
      SignIdentity(SigningKey::FromSeed(IdentitySeed(SeedOf(1).span())), ExampleBinding());
  for (size_t i = 0; i < claim.size(); ++i) {
    EXPECT_EQ(ErrorCode(OpenIdentity(ByteSpan(claim).first(i), ExampleBinding()).status()),
              "identity_wrong");
    Bytes flipped = claim;
    flipped[i] ^= 0x01;
    EXPECT_EQ(ErrorCode(OpenIdentity(flipped, ExampleBinding()).status()), "identity_wrong") << i;
  }
}

TEST(IdentityTest, WhatTheKeySignedForAnotherUseIsNoClaim) {
  const SigningKey identity = SigningKey::FromSeed(IdentitySeed(SeedOf(1).span()));
  const Bytes claim = SignIdentity(identity, ExampleBinding());
  const Bytes payload = OpenSign1(claim, "sealfold identity 1")->payload;
  EXPECT_EQ(SignSign1(identity, "sealfold identity 1", payload), claim);
  for (const Bytes& other : {SignSign1(identity, "sealfold record 1", payload),
                             SignSign1(identity, "sealfold identity 1", {}),
                             SignSign1(identity, "sealfold identity 1", Bytes(1000, 0))}) {
    EXPECT_EQ(ErrorCode(OpenIdentity(other, ExampleBinding()).status()), "identity_wrong");
  }
}

}  // namespace
}  // namespace sealfold
