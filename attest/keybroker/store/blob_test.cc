#include "attest/keybroker/store/blob.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

class BlobTest : public ::testing::Test {
 protected:
  BlobTest() { FillRandom(id_.mutable_span()); }
  Bytes Seal() const { return SealBlob(id_, key_, context_, AsBytes("a data key")); }

  KeyId id_;
  Secret key_ = RandomSecret(32);
  EncryptionContext context_ = {{"study", "wdbc"}, {"hospital", "north"}};
};

TEST_F(BlobTest, OpensUnderItsKeyAndContext) {
  const Bytes blob = Seal();
  EXPECT_EQ(BlobKey(blob).value(), id_);
  const absl::StatusOr<Secret> opened = OpenBlob(key_, context_, blob);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(AsText(opened->span()), "a data key");
  EXPECT_NE(Seal(), blob);  // of the same plaintext
}

TEST_F(BlobTest, AnotherKeyOrContextDoesNotOpenIt) {
  const Bytes blob = Seal();
  EXPECT_EQ(ErrorCode(OpenBlob(RandomSecret(32), context_, blob).status()), "seal_broken");
  EncryptionContext other = context_;
  other["hospital"] = "south";
  EXPECT_EQ(ErrorCode(OpenBlob(key_, other, blob).status()), "seal_broken");
  EXPECT_EQ(ErrorCode(OpenBlob(key_, {}, blob).status()), "seal_broken");
}

TEST_F(BlobTest, EveryByteIsBound) {
  const Bytes blob = Seal();
  for (size_t i = 0; i < blob.size(); ++i) {
    Bytes changed = blob;
    changed[i] ^= 1;
    EXPECT_FALSE(OpenBlob(key_, context_, changed).ok()) << i;
  }
  for (size_t size = 0; size < blob.size(); ++size) {
    EXPECT_FALSE(OpenBlob(key_, context_, ByteSpan(blob).first(size)).ok()) << size;
  }
  EXPECT_EQ(ErrorCode(OpenBlob(key_, context_, Bytes(kBlobSizeMax + 1)).status()),
            "blob_malformed");
  EXPECT_EQ(ErrorCode(BlobKey(Bytes(100)).status()), "blob_malformed");
}

TEST_F(BlobTest, TheLongestFits) {
  const Bytes plaintext(kBlobPlaintextSizeMax, 3);
  const Bytes blob = SealBlob(id_, key_, {}, plaintext);
  EXPECT_LE(blob.size(), kBlobSizeMax);
  EXPECT_EQ(OpenBlob(key_, {}, blob)->span(), ByteSpan(plaintext));
}

}  // namespace
}  // namespace sealfold
