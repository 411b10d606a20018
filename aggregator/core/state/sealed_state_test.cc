#include "aggregator/core/state/sealed_state.h"

#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_run.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

using testing::SeedOf;

StateHeader Header(const Secret& model_key) {
  StateHeader header{.plan = Sha256(AsBytes("plan")),
                     .round = 3,
                     .record = Sha256(AsBytes("record")),
                     .identity = SigningKey::FromSeed(SeedOf("identity")).public_key(),
                     .blob = {1, 2, 3}};
  if (!model_key.empty()) header.model_key_commitment = ModelKeyCommitment(model_key.span());
  return header;
}

StateContent Content(const Secret& model_key) {
  return {.identity_seed = SeedOf("identity"), .model_key = Secret::CopyOf(model_key.span())};
}

TEST(SealedStateTest, OpensUnderItsKeyAlone) {
  const Secret key = SeedOf("state");
  const Secret none;
  const Secret model_key = SeedOf("model");
  for (const Secret* sealed : {&none, &model_key}) {
    const Bytes file = SealState(Header(*sealed), key.span(), Content(*sealed));
    const absl::StatusOr<SealedState> state = DecodeSealedState(file);
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(state->header.round, 3u);
    EXPECT_EQ(state->header.blob, (Bytes{1, 2, 3}));
    const absl::StatusOr<StateContent> content = OpenState(*state, key.span());
    ASSERT_TRUE(content.ok()) << content.status();
    EXPECT_EQ(content->model_key.span(), sealed->span());
    EXPECT_EQ(content->identity_seed.span(), SeedOf("identity").span());
    EXPECT_EQ(ErrorCode(OpenState(*state, SeedOf("other").span()).status()), "seal_broken");
  }
}

TEST(SealedStateTest, EveryByteIsBound) {
  const Secret key = SeedOf("state");
  const Secret model_key = SeedOf("model");
  const Bytes file = SealState(Header(model_key), key.span(), Content(model_key));
  for (size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 1;
    const absl::StatusOr<SealedState> state = DecodeSealedState(damaged);
    if (!state.ok()) continue;
    EXPECT_EQ(ErrorCode(OpenState(*state, key.span()).status()), "seal_broken");
  }
  EXPECT_EQ(ErrorCode(DecodeSealedState(ByteSpan(file).first(file.size() - 1)).status()),
            "cbor_truncated");
}

TEST(SealedStateTest, StatesThatCannotBeAreRefused) {
  const Secret key = SeedOf("state");
  const auto code = [&key](const StateHeader& header) {
    const Bytes file = SealState(header, key.span(), Content({}));
    return ErrorCode(DecodeSealedState(file).status());
  };
  EXPECT_EQ(code(Header({})), "");
  StateHeader header = Header({});
  header.record.reset();
  EXPECT_EQ(code(header), "state_malformed");
  header.round = 0;
  EXPECT_EQ(code(header), "");
  header.blob.clear();
  EXPECT_EQ(code(header), "state_malformed");
  header.blob.resize(kStateKeyBlobSizeMax + 1);
  EXPECT_EQ(code(header), "state_malformed");
}

}  // namespace
}  // namespace sealfold
