// The vectors of docs/PROTOCOL.md, section 9: made anew from their seeds, they must come out as in
// the file, and the page names each. With SEALFOLD_WRITE_VECTORS set to a path the file is written
// there instead.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"
#include "protocol/envelope/identity.h"
#include "protocol/envelope/nonce_batch.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/log/merkle.h"
#include "protocol/message/message.h"
#include "protocol/partial/partial.h"
#include "protocol/program/program.h"
#include "protocol/record/record.h"
#include "protocol/testing/examples.h"

namespace sealfold {
namespace {

using testing::CoordinatorKey;
using testing::ParticipantKey;
using testing::ParticipantModelKey;
using testing::SeedOf;

constexpr size_t kFileBytesMax = 1 << 20;
constexpr uint8_t kParticipants = 3;

// Round 1 of a run in miniature, with sealed delivery: two chunks an update, three updates.
class Vectors {
 public:
  Vectors() : plan_(SignPlan(MakePlan(), CoordinatorKey())) {
    out_["plan"] = HexEncode(plan_.bytes);
    out_["plan_digest"] = plan_.digest.hex();
    AddBinding();
    for (uint8_t i = 0; i < kParticipants; ++i) AddUpdate(i);
    AddRecord();
    AddSealedModel();
    AddMessages();
    AddPartial();
    AddNonceBatch();
    AddIdentity();
  }
  const nlohmann::json& json() const { return out_; }
  const RecordFile& record_file() const { return file_; }

 private:
  static Plan MakePlan() {
    Plan plan = testing::ExamplePlan(kParticipants);
    plan.tensors = {{.name = "w", .dtype = Dtype::kF32, .shape = {206, 5}},
                    {.name = "b", .dtype = Dtype::kF16, .shape = {2}}};
    plan.staging_bytes_max = 1 << 20;
    plan.delivery = Delivery::kSealed;
    plan.initial_model = Sha256(ModelFile(plan.tensors, 0.0F));
    return plan;
  }
  // Every element of w is `value`, those of b are 0.
  static Bytes ModelFile(const std::vector<TensorSpec>& tensors, float value) {
    Bytes file = ModelFileHeader(tensors);
    size_t at = file.size();
    file.resize(ModelFileSizeBytes(tensors));
    for (uint64_t i = 0; i < tensors[0].elements(); ++i, at += sizeof(value)) {
      std::memcpy(file.data() + at, &value, sizeof(value));
    }
    return file;
  }
  // Element i of w is (i mod 7 - 3) / 4, those of b are 0.
  Bytes Payload() const {
    Bytes payload(PayloadLayout::Of(plan_.plan.tensors).size_bytes);
    for (uint64_t i = 0; i < plan_.plan.tensors[0].elements(); ++i) {
      const float x = (static_cast<float>(i % 7) - 3) / 4;
      std::memcpy(payload.data() + i * sizeof(x), &x, sizeof(x));
    }
    return payload;
  }

  void AddBinding() {
    binding_ = {.hpke_key = Sha256(hpke_.public_key().span()),
                .plan = plan_.digest,
                .round = Round(1),
                .attempt = Attempt(1),
                .record_key = record_key_.public_key(),
                .base_model = plan_.plan.initial_model};
    out_["hpke_key"] = hpke_.public_key().hex();
    out_["binding"] = HexEncode(cbor::EncodeFields(binding_));
    out_["user_data"] = binding_.digest().hex();
  }

  EnvelopeSender Sender(uint8_t participant, uint64_t sequence, uint64_t start,
                        const std::optional<Digest>& continues, uint8_t ephemeral) const {
    const EnvelopeHeader header{.plan = plan_.digest,
                                .round = Round(1),
                                .attempt = Attempt(1),
                                .participant = ParticipantKey(participant).public_key(),
                                .recipient = binding_.hpke_key,
                                .sequence = sequence,
                                .start = start,
                                .continues = continues,
                                .payload_bytes = Payload().size(),
                                .enc = {}};
    absl::StatusOr<EnvelopeSender> sender = EnvelopeSender::Make(
        plan_.plan, header, hpke_.public_key(), {.weight = Weight(120), .model_key = {}},
        ParticipantKey(participant), SeedOf(ephemeral));
    SEALFOLD_CHECK(sender.ok());
    return *std::move(sender);
  }
  Bytes Sealed(EnvelopeSender& sender, uint64_t index) const {
    const Bytes payload = Payload();
    const ByteSpan chunk =
        ByteSpan(payload).subspan(index * plan_.plan.chunk_bytes, plan_.plan.chunk_bytes);
    Bytes sealed(chunk.size() + kAeadTagSize);
    sender.SealChunk(index, chunk, absl::MakeSpan(sealed));
    return sealed;
  }

  void AddUpdate(uint8_t participant) {
    EnvelopeSender sender =
        Sender(participant, 1, 0, std::nullopt, static_cast<uint8_t>(0x60 + participant));
    const Bytes first = Sealed(sender, 0);
    const Bytes last = Sealed(sender, 1);
    Bytes tags = ToBytes(ByteSpan(first).last(kAeadTagSize));
    Append(tags, ByteSpan(last).last(kAeadTagSize));
    const LogEntry entry{.plan = plan_.digest,
                         .round = Round(1),
                         .attempt = Attempt(1),
                         .participant = ParticipantKey(participant).public_key(),
                         .index = participant,
                         .header = sender.header_digest(),
                         .tags = Sha256(tags)};
    file_.log.push_back(entry);
    log_.Append(LogLeaf(entry));
    if (participant != 0) return;
    out_["header"] = HexEncode(sender.signed_header());
    out_["header_digest"] = sender.header_digest().hex();
    out_["sealed_head"] = HexEncode(sender.sealed_head());
    out_["chunk_0_digest"] = Sha256(first).hex();
    out_["chunk_1"] = HexEncode(last);
    EnvelopeSender resumed = Sender(0, 2, 1, sender.header_digest(), 0x70);
    out_["resumed_header"] = HexEncode(resumed.signed_header());
    out_["resumed_chunk_1"] = HexEncode(Sealed(resumed, 1));
    out_["entry"] = HexEncode(cbor::EncodeFields(entry));
    out_["leaf"] = LogLeaf(entry).hex();
    receipt_ = SignReceipt(entry, record_key_);
    out_["receipt"] = HexEncode(receipt_);
  }

  void AddRecord() {
    const RoundRecord record{.plan = plan_.digest,
                             .round = Round(1),
                             .attempt = Attempt(1),
                             .previous_record = {},
                             .base_model = plan_.plan.initial_model,
                             .model = Sha256(ModelFile(plan_.plan.tensors, 0.5F)),
                             .log_root = log_.Root(),
                             .updates = kParticipants,
                             .weight_sum = 120 * kParticipants,
                             .error_max = 0.5,
                             .model_key_commitment = ModelKeyCommitment(model_key_.span())};
    file_.plan = plan_.bytes;
    file_.record = SignRecord(record, record_key_);
    file_.binding = binding_;
    out_["record"] = HexEncode(file_.record);
    out_["record_digest"] = Sha256(file_.record).hex();
    const ReceiptProof proof{.receipt = receipt_, .path = log_.InclusionProof(0, kParticipants)};
    out_["receipt_proof"] = HexEncode(cbor::EncodeFields(proof));
  }

  void AddSealedModel() {
    const Bytes model = ModelFile(plan_.plan.tensors, 0.5F);
    const SealedModel sealer(plan_, Round(1), model_key_.span(), model.size());
    Bytes sealed;
    for (uint64_t i = 0; i < sealer.chunk_count(); ++i) {
      Bytes chunk(sealer.chunk_size_bytes(i) + kAeadTagSize);
      sealer.SealChunk(
          i, ByteSpan(model).subspan(i * plan_.plan.chunk_bytes, sealer.chunk_size_bytes(i)),
          absl::MakeSpan(chunk));
      Append(sealed, chunk);
      if (i == 1) out_["sealed_model_chunk_1"] = HexEncode(chunk);
    }
    out_["sealed_model_digest"] = Sha256(sealed).hex();
    for (uint8_t i = 0; i < kParticipants; ++i) {
      absl::StatusOr<WrappedModelKey> wrapped =
          WrapModelKey(plan_, Round(1), plan_.plan.participants[i], model_key_.span(),
                       SeedOf(static_cast<uint8_t>(0x80 + i)));
      SEALFOLD_CHECK(wrapped.ok());
      file_.model_keys.push_back(*wrapped);
    }
    out_["wrapped_key_enc"] = file_.model_keys[0].enc.hex();
    out_["wrapped_key_sealed"] = HexEncode(file_.model_keys[0].sealed);
  }

  void AddMessages() {
    const SigningPublicKey participant = ParticipantKey(0).public_key();
    const Hello hello{.plan = plan_.digest,
                      .participant = participant,
                      .nonce = *SessionNonce::From(Bytes(SessionNonce::kSize, 0x0a))};
    out_["hello"] = HexEncode(cbor::EncodeFields(hello));
    out_["chunk_message"] =
        HexEncode(cbor::EncodeFields(Chunk{.participant = participant, .index = 1}));
    out_["get_message"] =
        HexEncode(cbor::EncodeFields(GetRequest{.what = FileKind::kRecord, .round = 1}));
  }

  // Of the first update alone, and of a sum of one element: the form is what matters.
  void AddPartial() {
    const absl::Span<const LogEntry> log(file_.log.data(), 1);
    PartialHeader header;
    header.plan = plan_.digest;
    header.round = Round(1);
    header.attempt = Attempt(1);
    header.leaf = binding_.digest();
    header.recipient = binding_.hpke_key;
    header.log_root = LogRoot(log);
    header.updates = 1;
    header.sum_bytes = sizeof(int64_t);
    header.step = 0x1p-35;
    absl::StatusOr<PartialSealer> sealer =
        PartialSealer::Make(plan_.plan, header, hpke_.public_key(),
                            {.weight = Weight(120), .model_key = {}}, record_key_, SeedOf(0x90));
    SEALFOLD_CHECK(sealer.ok());
    out_["partial"] = HexEncode(sealer->signed_header());
    out_["partial_head"] = HexEncode(sealer->sealed_head());
    out_["partial_log"] = HexEncode(EncodePartialLog(log));
    Bytes chunk(sizeof(int64_t) + kAeadTagSize);
    sealer->SealChunk(0, Bytes{3, 0, 0, 0, 0, 0, 0, 0}, absl::MakeSpan(chunk));
    out_["partial_chunk"] = HexEncode(chunk);
    const UpdateEncoding encoding{.kind = EncodingKind::kTopK, .block_elements = 1024, .kept = 33};
    out_["update_encoding"] = HexEncode(cbor::EncodeFields(encoding));
  }

  void AddNonceBatch() {
    MerkleLog tree;
    for (const uint8_t byte : {0x0a, 0x0b, 0x0c}) {
      tree.Append(NonceLeaf(*SessionNonce::From(Bytes(SessionNonce::kSize, byte))));
    }
    const NonceBatch batch{.binding = binding_.digest(), .root = tree.Root(), .size = tree.size()};
    const NoncePath path{.index = 0,
                         .size = tree.size(),
                         .root = tree.Root(),
                         .path = tree.InclusionProof(0, tree.size())};
    out_["nonce_leaf"] = NonceLeaf(*SessionNonce::From(Bytes(SessionNonce::kSize, 0x0a))).hex();
    out_["nonce_batch"] = HexEncode(cbor::EncodeFields(batch));
    out_["batch_user_data"] = batch.digest().hex();
    out_["nonce_path"] = HexEncode(cbor::EncodeFields(path));
  }

  void AddIdentity() {
    const SigningKey identity = SigningKey::FromSeed(IdentitySeed(SeedOf(0x54).span()));
    out_["identity"] = identity.public_key().hex();
    out_["identity_claim"] = HexEncode(SignIdentity(identity, binding_));
  }

  const SignedPlan plan_;
  const HpkeKeyPair hpke_ = HpkeKeyPair::Derive(SeedOf(0x50));
  const SigningKey record_key_ = SigningKey::FromSeed(SeedOf(0x51));
  const Secret model_key_ = SeedOf(0x53);
  Binding binding_;
  MerkleLog log_;
  Bytes receipt_;
  RecordFile file_;
  nlohmann::json out_;
};

std::string Read(const std::string& path) { return ReadFile(path, kFileBytesMax).value_or(""); }

TEST(VectorsTest, ComeOutAsInTheFileAndThePageNamesThem) {
  const nlohmann::json made = Vectors().json();
  if (const char* path = std::getenv("SEALFOLD_WRITE_VECTORS"); path != nullptr) {
    ASSERT_TRUE(WriteFileAtomic(path, made.dump(1) + "\n").ok());
    GTEST_SKIP() << "written to " << path;
  }
  const nlohmann::json stored =
      nlohmann::json::parse(Read(SEALFOLD_TEST_DATA "/protocol-vectors.json"), nullptr, false);
  ASSERT_TRUE(stored.is_object());
  EXPECT_EQ(stored.size(), made.size());
  const std::string page = Read(SEALFOLD_TEST_DATA "/../../docs/PROTOCOL.md");
  for (const auto& [name, value] : made.items()) {
    EXPECT_EQ(stored.value(name, ""), value) << name;
    EXPECT_TRUE(absl::StrContains(page, absl::StrCat("`", name, "`"))) << name;
  }
}

TEST(VectorsTest, AreOneRound) {
  const RecordFile file = Vectors().record_file();
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(file);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(CheckRecordChain(nullptr, *checked).ok());
  const absl::StatusOr<Secret> key =
      UnwrapModelKey(checked->plan, Round(1), file.model_keys[0], ParticipantModelKey(0));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(ModelKeyCommitment(key->span()), checked->record.model_key_commitment);
}

}  // namespace
}  // namespace sealfold
