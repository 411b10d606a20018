#include "protocol/envelope/nonce_batch.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"

namespace sealfold {
namespace {

SessionNonce NonceOf(uint8_t i) { return *SessionNonce::From(Bytes(SessionNonce::kSize, i)); }

// Of the nonces 0 to size - 1.
NoncePath PathTo(uint8_t index, uint8_t size) {
  MerkleLog tree;
  for (uint8_t i = 0; i < size; ++i) tree.Append(NonceLeaf(NonceOf(i)));
  return {
      .index = index, .size = size, .root = tree.Root(), .path = tree.InclusionProof(index, size)};
}

TEST(NonceBatchTest, EveryNonceHasAPath) {
  for (const uint8_t size : {1, 2, 3, 7, 64, 100}) {
    for (uint8_t i = 0; i < size; ++i) {
      EXPECT_TRUE(CheckNoncePath(NonceOf(i), PathTo(i, size)).ok()) << int{i} << " " << int{size};
      EXPECT_EQ(ErrorCode(CheckNoncePath(NonceOf(size), PathTo(i, size))), "nonce_not_in_batch");
    }
  }
}

TEST(NonceBatchTest, APathThatLeadsElsewhereIsRefused) {
  const NoncePath good = PathTo(2, 7);
  std::vector<NoncePath> bad(7, good);
  bad[0].index = 3;
  bad[1].size = 4;  // (8 has the same path: the size is signed with the root)
  bad[2].path[0].mutable_span()[0] ^= 1;
  bad[3].path.pop_back();
  bad[4].path.push_back(Digest());
  bad[5].root = PathTo(2, 6).root;
  bad[6].index = 7;
  for (const NoncePath& path : bad) {
    EXPECT_EQ(ErrorCode(CheckNoncePath(NonceOf(2), path)), "nonce_not_in_batch");
  }
}

TEST(NonceBatchTest, ABatchIsBounded) {
  // Of one leaf whose left neighbours are all one subtree each: sizes that no tree here is built
  // of.
  NoncePath path{.index = 0, .size = kNonceBatchMax, .root = {}, .path = {}};
  Digest node = NonceLeaf(NonceOf(1));
  const auto grow = [&] {
    const uint8_t inner = 1;
    node = Sha256({ByteSpan(&inner, 1), node.span(), Digest().span()});
    path.path.push_back(Digest());
  };
  for (size_t size = 1; size < kNonceBatchMax; size *= 2) grow();
  path.root = node;
  EXPECT_TRUE(CheckNoncePath(NonceOf(1), path).ok());
  grow();
  path.root = node;
  path.size *= 2;
  EXPECT_EQ(ErrorCode(CheckNoncePath(NonceOf(1), path)), "nonce_not_in_batch");
}

// A participant may choose its nonce: it must not be able to choose an inner node.
TEST(NonceBatchTest, ANonceIsNoOtherTreesLeaf) {
  EXPECT_NE(NonceLeaf(NonceOf(1)), MerkleLeaf(NonceOf(1).span()));
}

TEST(NonceBatchTest, UserDataIsOfEveryField) {
  const NonceBatch batch{.binding = Sha256(AsBytes("a")), .root = Sha256(AsBytes("b")), .size = 2};
  EXPECT_EQ(batch.digest(), Sha256(cbor::EncodeFields(batch)));
  for (int i = 0; i < 3; ++i) {
    NonceBatch other = batch;
    if (i == 0) other.binding = Digest();
    if (i == 1) other.root = Digest();
    if (i == 2) other.size = 3;
    EXPECT_NE(other.digest(), batch.digest());
  }
}

}  // namespace
}  // namespace sealfold
