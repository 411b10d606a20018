#include "participant-client/record/model_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "participant-client/testing/simulated_host.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using testing_world::ModelOf;
using testing_world::SeedOf;
using testing_world::World;

class ModelFileTest : public ::testing::Test {
 protected:
  ModelFileTest() : model_(ModelOf(world_.plan.plan, 11)), key_(SeedOf(1, "key")) {
    const SealedModel sealer = Sealer();
    uint64_t offset = 0;
    for (uint64_t i = 0; i < sealer.chunk_count(); ++i) {
      Bytes out(sealer.chunk_size_bytes(i) + kAeadTagSize);
      sealer.SealChunk(i, ByteSpan(model_).subspan(offset, sealer.chunk_size_bytes(i)),
                       absl::MakeSpan(out));
      offset += sealer.chunk_size_bytes(i);
      Append(sealed_, out);
    }
  }
  SealedModel Sealer() const { return {world_.plan, Round(4), key_.span(), model_.size()}; }

  // Writes `stream` in pieces of `piece_bytes`.
  std::string Write(const Bytes& stream, bool sealed, size_t piece_bytes = 777) {
    std::optional<SealedModel> opener;
    if (sealed) opener.emplace(Sealer());
    auto writer = ModelFileWriter::Open(path_, Sha256(model_), model_.size(), std::move(opener));
    SEALFOLD_CHECK(writer.ok());
    for (size_t at = 0; at < stream.size(); at += piece_bytes) {
      const size_t size = std::min(piece_bytes, stream.size() - at);
      if (absl::Status s = writer->Append(ByteSpan(stream).subspan(at, size)); !s.ok())
        return ErrorCode(s);
    }
    return ErrorCode(writer->Finish());
  }

  World world_;
  TempDir folder_;
  std::string path_ = folder_.Path("model");
  Bytes model_;
  Secret key_;
  Bytes sealed_;
};

TEST_F(ModelFileTest, WritesWhatHasTheDigest) {
  ASSERT_EQ(ModelStreamBytes(world_.plan.plan, false), model_.size());
  ASSERT_EQ(ModelStreamBytes(world_.plan.plan, true), sealed_.size());
  for (size_t piece : {size_t{1}, size_t{4096}, size_t{4112}, size_t{1} << 20}) {
    EXPECT_EQ(Write(model_, false, piece), "");
    EXPECT_EQ(*ReadFile(path_, 1 << 20), AsText(model_));
    EXPECT_EQ(Write(sealed_, true, piece), "");
    EXPECT_EQ(*ReadFile(path_, 1 << 20), AsText(model_));
  }
  EXPECT_TRUE(CheckModelFile(path_, Sha256(model_)).ok());
  EXPECT_EQ(ErrorCode(CheckModelFile(path_, Digest())), "model_digest_wrong");
}

TEST_F(ModelFileTest, IsNotWrittenIntoAFileThatIsAlreadyThere) {
  const std::string others = folder_.Path("others");
  ASSERT_TRUE(WriteFileAtomic(others, "theirs").ok());
  std::filesystem::create_hard_link(others, absl::StrCat(path_, ".", getpid(), ".tmp"));
  EXPECT_EQ(Write(sealed_, true), "");
  EXPECT_EQ(*ReadFile(others, 1 << 20), "theirs");
  EXPECT_EQ(*ReadFile(path_, 1 << 20), AsText(model_));
}

TEST_F(ModelFileTest, LeavesNothingOfWhatHasNot) {
  auto changed = [](Bytes bytes, size_t at) {
    bytes[at] ^= 1;
    return bytes;
  };
  EXPECT_EQ(Write(changed(model_, 5000), false), "model_digest_wrong");
  EXPECT_EQ(Write(changed(sealed_, 5000), true), "seal_broken");
  Bytes longer = model_;
  longer.push_back(0);
  EXPECT_EQ(Write(longer, false), "model_size_wrong");
  longer = sealed_;
  longer.push_back(0);
  EXPECT_EQ(Write(longer, true), "model_size_wrong");
  EXPECT_EQ(Write(Bytes(model_.begin(), model_.end() - 1), false), "model_digest_wrong");
  EXPECT_EQ(Write(Bytes(sealed_.begin(), sealed_.end() - 1), true), "model_digest_wrong");
  EXPECT_EQ(Write({}, true), "model_digest_wrong");
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace sealfold
