// The vectors of docs/PROTOCOL.md, section 9: what the page says is what the code does.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/partial/partial.h"
#include "protocol/program/program.h"
#include "protocol/record/record.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::ParticipantKey;
using testing::SeedOf;

class VectorsTest : public ::testing::Test {
 protected:
  VectorsTest() {
    absl::StatusOr<std::string> text =
        ReadFile(SEALFOLD_TEST_DATA "/../../docs/PROTOCOL.md", 1 << 20);
    EXPECT_TRUE(text.ok()) << text.status();
    if (text.ok()) page_ = *text;
  }
  // The page has a row "| `name` | `hex` |".
  void ExpectRow(const std::string& name, const std::string& hex) const {
    const std::string row = absl::StrCat("| `", name, "` | `", hex, "` |");
    EXPECT_TRUE(absl::StrContains(page_, row)) << "missing: " << row;
  }
  std::string page_;
};

TEST_F(VectorsTest, ThePagesRowsAreWhatTheCodeMakes) {
  const SigningKey key = ParticipantKey(0);  // seed: 32 bytes 0x01
  ExpectRow("key", key.public_key().hex());
  const HpkeKeyPair recipient = HpkeKeyPair::Derive(SeedOf(0x05));
  ExpectRow("hpke_key", recipient.public_key().hex());

  Binding binding;
  binding.hpke_key = Sha256(recipient.public_key().span());
  binding.round = Round(1);
  binding.attempt = Attempt(1);
  binding.record_key = key.public_key();
  ExpectRow("binding", HexEncode(cbor::EncodeFields(binding)));
  ExpectRow("user_data", binding.digest().hex());

  const LogEntry entry{.plan = {},
                       .round = Round(1),
                       .attempt = Attempt(1),
                       .participant = key.public_key(),
                       .index = 0,
                       .header = {},
                       .tags = {}};
  ExpectRow("leaf", LogLeaf(entry).hex());
  ExpectRow("receipt", HexEncode(SignReceipt(entry, key)));

  Plan plan = testing::ExamplePlan();
  EnvelopeHeader header;
  header.round = Round(1);
  header.attempt = Attempt(1);
  header.participant = key.public_key();
  header.sequence = 1;
  header.payload_bytes = 3;
  EnvelopeSender sender =
      *EnvelopeSender::Make(plan, header, recipient.public_key(),
                            {.weight = Weight(7), .model_key = {}}, key, SeedOf(0x09));
  ExpectRow("header", HexEncode(sender.signed_header()));
  ExpectRow("sealed_head", HexEncode(sender.sealed_head()));
  Bytes chunk(3 + kAeadTagSize);
  sender.SealChunk(0, Bytes{1, 2, 3}, absl::MakeSpan(chunk));
  ExpectRow("chunk", HexEncode(chunk));

  PartialHeader partial;
  partial.round = Round(1);
  partial.attempt = Attempt(1);
  partial.leaf = binding.digest();
  partial.log_root = LogRoot({&entry, 1});
  partial.updates = 1;
  partial.sum_bytes = 8;
  partial.step = 0x1p-35;
  PartialSealer sealer =
      *PartialSealer::Make(plan, partial, recipient.public_key(),
                           {.weight = Weight(7), .model_key = {}}, key, SeedOf(0x0a));
  ExpectRow("partial", HexEncode(sealer.signed_header()));
  ExpectRow("partial_head", HexEncode(sealer.sealed_head()));
  ExpectRow("partial_log", HexEncode(EncodePartialLog({&entry, 1})));
  Bytes sum(8 + kAeadTagSize);
  sealer.SealChunk(0, Bytes{3, 0, 0, 0, 0, 0, 0, 0}, absl::MakeSpan(sum));
  ExpectRow("partial_chunk", HexEncode(sum));

  const UpdateEncoding encoding{.kind = EncodingKind::kTopK, .block_elements = 1024, .kept = 33};
  ExpectRow("update_encoding", HexEncode(cbor::EncodeFields(encoding)));

  const Bytes model_key(kModelKeySize, 0x07);
  ExpectRow("model_key_commitment", ModelKeyCommitment(model_key).hex());
}

}  // namespace
}  // namespace sealfold
