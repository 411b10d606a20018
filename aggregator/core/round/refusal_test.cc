// Everything that is refused has its name, reaches its sender, and leaves no trace in the sum.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::As;
using testing::Encode;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleSender;
using testing::SampleUpdate;
using testing::SeedOf;
using testing::SetElement;
using testing::SignedBegin;

class RefusalTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  // One update is in, so that a trace would be seen on more than zeros.
  void Restart() {
    run.Sign();
    host = std::make_unique<SampleHost>(run);
    host->Upload(0, run.MakeUpdate(0));
    offer = host->GetOffer(1);
    update = run.MakeUpdate(1);
    sum = host->round->SumFingerprint();
  }
  void TearDown() override {
    EXPECT_EQ(host->round->SumFingerprint(), sum);
    // And the same participant can still do it right.
    const Progress progress = Stands();
    SampleSender right(run, 1, offer, update, {.sequence = progress.sequence + 1});
    EXPECT_EQ(host->SayOne(1, right.begin()), "progress");
    std::vector<Message> last;
    for (uint64_t i = 0; i < right.chunk_count(); ++i) last = host->Say(1, right.chunk(i));
    ASSERT_EQ(last.size(), 1u);
    EXPECT_EQ(testing::TypeOf(last[0]), "receipt");
    host->Close();
    EXPECT_EQ(host->model_file, run.ExpectedModel(run.base_model, {run.MakeUpdate(0), update}));
  }

  EnvelopeHeader Header() { return SampleSender::HeaderFor(run, 1, offer, {}); }
  Message BeginWith(const EnvelopeHeader& header) {
    return SampleSender(run, header, run.parties[1].key, offer.hpke_key, update).begin();
  }
  Progress Stands() { return As<Progress>(host->Say(1, host->QueryOf(1)).at(0)); }

  SampleRun run = SampleRun::Make();
  std::unique_ptr<SampleHost> host;
  Offer offer;
  SampleUpdate update;
  Digest sum;
};

TEST_F(RefusalTest, WrongPlan) {
  EnvelopeHeader header = Header();
  header.plan = Sha256(AsBytes("another"));
  EXPECT_EQ(host->SayOne(1, BeginWith(header)), "wrong_plan");
  Hello hello = As<Hello>(host->HelloOf(1));
  hello.plan = header.plan;
  EXPECT_EQ(host->SayOne(1, Encode(hello)), "wrong_plan");
  Query query = As<Query>(host->QueryOf(1));
  query.plan = header.plan;
  EXPECT_EQ(host->SayOne(1, Encode(query)), "wrong_plan");
}

TEST_F(RefusalTest, WrongRound) {
  EnvelopeHeader header = Header();
  header.round = Round(2);
  EXPECT_EQ(host->SayOne(1, BeginWith(header)), "wrong_round");
}

TEST_F(RefusalTest, WrongAttempt) {
  EnvelopeHeader header = Header();
  header.attempt = Attempt(2);
  EXPECT_EQ(host->SayOne(1, BeginWith(header)), "wrong_attempt");
}

TEST_F(RefusalTest, UnknownParticipant) {
  const SigningKey stranger = SigningKey::FromSeed(SeedOf("stranger"));
  EnvelopeHeader header = Header();
  header.participant = stranger.public_key();
  SampleSender sender(run, header, stranger, offer.hpke_key, update);
  EXPECT_EQ(host->SayOne(1, sender.begin()), "unknown_participant");
  EXPECT_EQ(host->SayOne(1, sender.chunk(0)), "unknown_participant");
  EXPECT_EQ(host->SayOne(1, Encode(Hello{.plan = run.signed_plan.digest,
                                         .participant = stranger.public_key(),
                                         .nonce = {}})),
            "unknown_participant");
  EXPECT_EQ(host->SayOne(1, Encode(Query{.plan = run.signed_plan.digest,
                                         .participant = stranger.public_key()})),
            "unknown_participant");
}

TEST_F(RefusalTest, WrongRecipientKey) {
  EnvelopeHeader header = Header();
  header.recipient = Sha256(AsBytes("another key"));
  const Bytes head = ToBytes(BeginWith(Header()).bulk);
  EXPECT_EQ(host->SayOne(1, SignedBegin(header, run.parties[1].key, head)), "wrong_recipient_key");
}

TEST_F(RefusalTest, BadSignature) {
  // Signed by another participant of the plan.
  const Message right = BeginWith(Header());
  EnvelopeHeader header = OpenEnvelopeHeader(As<Begin>(right).header)->header;
  EXPECT_EQ(host->SayOne(1, SignedBegin(header, run.parties[2].key, right.bulk)),
            "envelope_signer");
  // One bit of the header, anywhere.
  const Message good = BeginWith(Header());
  const Bytes signed_header = As<Begin>(good).header;
  for (size_t i = 0; i < signed_header.size(); ++i) {
    Begin begin{.header = signed_header};
    begin.header[i] ^= 1;
    const std::string code = host->Code(1, Encode(begin, good.bulk));
    EXPECT_FALSE(code.empty()) << "byte " << i;
  }
  EXPECT_EQ(Stands().sequence, 0u);
}

TEST_F(RefusalTest, PayloadOfAnotherSize) {
  for (const int64_t more : {-1, 1, 64}) {
    EnvelopeHeader header = Header();
    header.payload_bytes += more;
    EXPECT_EQ(host->SayOne(1, BeginWith(header)), "payload_bytes_wrong");
  }
}

TEST_F(RefusalTest, SequenceThatDoesNotRise) {
  EnvelopeHeader header = Header();
  header.sequence = 0;
  EXPECT_EQ(host->SayOne(1, BeginWith(header)), "header_replayed");
  SampleSender first(run, 1, offer, update, {.sequence = 7});
  SampleSender second(run, 1, offer, update, {.sequence = 8});
  EXPECT_EQ(host->SayOne(1, first.begin()), "progress");
  EXPECT_EQ(host->SayOne(1, second.begin()), "progress");
  host->Say(1, second.chunk(0));
  EXPECT_EQ(host->SayOne(1, first.begin()), "header_replayed");
  header.sequence = 8;  // another header under the same number
  EXPECT_EQ(host->SayOne(1, BeginWith(header)), "header_replayed");
  EXPECT_EQ(Stands().next, 1u);
}

TEST_F(RefusalTest, StartThatIsNeitherZeroNorNext) {
  SampleSender first(run, 1, offer, update, {});
  const auto begin = [&](uint64_t start, std::optional<Digest> continues) {
    return host->SayOne(1, SampleSender(run, 1, offer, update,
                                        {.sequence = 2, .start = start, .continues = continues})
                               .begin());
  };
  EXPECT_EQ(begin(1, first.header_digest()), "start_wrong");  // nothing is under way
  EXPECT_EQ(begin(0, first.header_digest()), "start_wrong");
  host->Say(1, first.begin());
  host->Say(1, first.chunk(0));
  host->Say(1, first.chunk(1));
  EXPECT_EQ(begin(1, first.header_digest()), "start_wrong");
  EXPECT_EQ(begin(3, first.header_digest()), "start_wrong");
  EXPECT_EQ(begin(2, Sha256(AsBytes("another header"))), "start_wrong");
  EXPECT_EQ(begin(2, std::nullopt), "start_wrong");
  EXPECT_EQ(begin(0, first.header_digest()), "start_wrong");
  EXPECT_EQ(Stands().next, 2u);
}

TEST_F(RefusalTest, HeadThatDoesNotOpen) {
  Message begin = BeginWith(Header());
  testing::ChangeBulk(begin, [&](Bytes& bulk) { bulk[3] ^= 1; });
  EXPECT_EQ(host->SayOne(1, begin), "seal_broken");
  testing::ChangeBulk(begin, [&](Bytes& bulk) { bulk[3] ^= 1; });
  testing::ChangeBulk(begin, [](Bytes& bulk) { bulk.pop_back(); });
  EXPECT_EQ(host->SayOne(1, begin), "head_length");
  testing::ChangeBulk(begin, [](Bytes& bulk) { bulk.clear(); });
  EXPECT_EQ(host->SayOne(1, begin), "head_length");
  // Sealed to another key, under a header that claims the right one.
  const HpkeKeyPair other = HpkeKeyPair::Derive(SeedOf("other"));
  const Message theirs =
      SampleSender(run, Header(), run.parties[1].key, other.public_key(), update).begin();
  EnvelopeHeader header = OpenEnvelopeHeader(As<Begin>(theirs).header)->header;
  header.recipient = Header().recipient;
  EXPECT_EQ(host->SayOne(1, SignedBegin(header, run.parties[1].key, theirs.bulk)), "seal_broken");
  EXPECT_EQ(Stands().sequence, 0u);
}

TEST_F(RefusalTest, WeightOutOfBounds) {
  for (const uint64_t weight : {uint64_t{0}, run.plan.weight_max.value() + 1, UINT64_MAX}) {
    SampleUpdate heavy = update;
    heavy.weight = Weight(weight);
    SampleSender sender(run, 1, offer, heavy, {});
    EXPECT_EQ(host->SayOne(1, sender.begin()), "weight_out_of_bounds");
  }
}

TEST_F(RefusalTest, WeightThatChangesOnTheWay) {
  SampleSender first(run, 1, offer, update, {});
  host->Say(1, first.begin());
  host->Say(1, first.chunk(0));
  SampleUpdate heavier = update;
  heavier.weight = update.weight == Weight(1) ? Weight(2) : Weight(1);
  SampleSender second(run, 1, offer, heavier,
                      {.sequence = 2, .start = 1, .continues = first.header_digest()});
  EXPECT_EQ(host->SayOne(1, second.begin()), "weight_changed");
  EXPECT_EQ(Stands().sequence, 1u);
}

TEST_F(RefusalTest, ModelKeyWhereNoneBelongs) {
  SampleSender sender(run, 1, offer, update, {.model_key = SeedOf("a key")});
  EXPECT_EQ(host->SayOne(1, sender.begin()), "model_key_wrong");
}

TEST_F(RefusalTest, ChunkWithoutABegin) {
  SampleSender sender(run, 1, offer, update, {});
  const std::vector<Message> answers = host->Say(1, sender.chunk(0));
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(As<Progress>(answers[0]).header, std::nullopt);
  EXPECT_EQ(As<RefusedMessage>(answers[1]).code, "no_upload");
}

TEST_F(RefusalTest, ChunkOutOfOrder) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  host->Say(1, sender.chunk(0));
  for (const uint64_t index : {uint64_t{2}, uint64_t{4}}) {
    const std::vector<Message> answers = host->Say(1, sender.chunk(index));
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(As<Progress>(answers[0]).next, 1u);
    EXPECT_GT(As<Progress>(answers[0]).credit, 0u);
    EXPECT_EQ(As<RefusedMessage>(answers[1]).code, "chunk_out_of_order");
  }
  for (const uint64_t index : {sender.chunk_count(), UINT64_MAX}) {
    EXPECT_EQ(host->Code(
                  1, Encode(Chunk{.participant = run.parties[1].key.public_key(), .index = index})),
              "chunk_out_of_order");
  }
}

TEST_F(RefusalTest, ChunkUnderAnothersName) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  SampleSender other(run, 2, offer, update, {});
  host->Say(2, other.begin());
  Message chunk = other.chunk(0);
  chunk.head = sender.chunk(0).head;
  EXPECT_EQ(host->Code(2, chunk), "seal_broken");
  EXPECT_EQ(Stands().next, 0u);
}

TEST_F(RefusalTest, ChunkOfTheWrongSize) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  Message truncated = sender.chunk(0);
  testing::ChangeBulk(truncated, [](Bytes& bulk) { bulk.pop_back(); });
  EXPECT_EQ(host->Code(1, truncated), "chunk_size_wrong");
  Message oversized = sender.chunk(0);
  testing::ChangeBulk(oversized, [](Bytes& bulk) { bulk.push_back(0); });
  EXPECT_EQ(host->Code(1, oversized), "chunk_size_wrong");
  Message empty = sender.chunk(0);
  testing::ChangeBulk(empty, [](Bytes& bulk) { bulk.clear(); });
  EXPECT_EQ(host->Code(1, empty), "chunk_size_wrong");
  testing::ChangeBulk(oversized, [](Bytes& bulk) { bulk.resize(kMessageBulkBytesMax + 1); });
  EXPECT_EQ(host->Code(1, oversized), "message_too_long");
}

TEST_F(RefusalTest, SeveralChunksOfTheWrongSizeAreNotTaken) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  Message all = sender.chunks(0, sender.chunk_count());
  testing::ChangeBulk(all, [](Bytes& bulk) { bulk.push_back(0); });
  EXPECT_EQ(host->Code(1, all), "chunk_size_wrong");
  Message some = sender.chunks(0, 2);
  testing::ChangeBulk(some, [](Bytes& bulk) { bulk.pop_back(); });
  EXPECT_EQ(host->Code(1, some), "chunk_size_wrong");
  EXPECT_EQ(Stands().next, 0u);
}

TEST_F(RefusalTest, OfSeveralChunksThoseThatCameBeforeArePassedOver) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  EXPECT_EQ(host->Code(1, sender.chunks(0, 2)), "");
  EXPECT_EQ(Stands().next, 2u);
  EXPECT_EQ(host->Code(1, sender.chunks(0, 2)), "");
  EXPECT_EQ(Stands().next, 2u);
  EXPECT_EQ(host->Code(1, sender.chunks(3, 4)), "chunk_out_of_order");
  EXPECT_EQ(host->Code(1, sender.chunks(1, sender.chunk_count() - 1)), "");
  EXPECT_EQ(Stands().next, sender.chunk_count() - 1);
}

TEST_F(RefusalTest, SeveralChunksOfAnotherSessionThatDoNotOpen) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  Message some = sender.chunks(0, 3);
  testing::ChangeBulk(some, [](Bytes& bulk) { bulk[0] ^= 1; });
  EXPECT_EQ(host->Code(2, some), "seal_broken");
  EXPECT_EQ(Stands().next, 0u);
}

// One that came from another session than its header is opened at once: anyone may name anyone.
TEST_F(RefusalTest, ChunkOfAnotherSessionThatDoesNotOpen) {
  SampleSender sender(run, 1, offer, update, {});
  host->Say(1, sender.begin());
  host->Say(1, sender.chunk(0));
  for (const size_t byte : {size_t{0}, size_t{2048}, size_t{4096}, size_t{4111}}) {
    Message flipped = sender.chunk(1);
    testing::ChangeBulk(flipped, [&](Bytes& bulk) { bulk[byte] ^= 0x80; });
    EXPECT_EQ(host->Code(2, flipped), "seal_broken");
  }
  Message swapped = sender.chunk(2);  // a right chunk under a wrong number
  swapped.head = sender.chunk(1).head;
  EXPECT_EQ(host->Code(2, swapped), "seal_broken");
  EXPECT_EQ(Stands().next, 1u);
  // Who has the key is believed, and is the upload's session from then on.
  EXPECT_EQ(host->Code(2, sender.chunk(1)), "");
  EXPECT_EQ(Stands().next, 2u);
  Message spoiled = sender.chunk(2);
  testing::ChangeBulk(spoiled, [&](Bytes& bulk) { bulk[0] ^= 1; });
  EXPECT_EQ(host->Code(1, spoiled), "seal_broken");
  EXPECT_EQ(Stands().next, 2u);
}

TEST_F(RefusalTest, AnElementOutOfRangeDiscardsTheUpload) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  const double beyond = 0.51;
  const PayloadLayout layout = run.layout();
  uint64_t sequence = 0;
  for (const double bad : {nan, inf, -inf, beyond, -beyond}) {
    for (size_t part = 0; part < layout.parts.size(); ++part) {
      SampleUpdate wrong = update;
      SetElement(layout, part, layout.parts[part].elements - 1, bad, wrong.payload);
      SampleSender sender(run, 1, offer, wrong, {.sequence = ++sequence});
      ASSERT_EQ(host->SayOne(1, sender.begin()), "progress");
      std::string code;
      for (uint64_t i = 0; i < sender.chunk_count() && code.empty(); ++i) {
        code = host->Code(1, sender.chunk(i));
      }
      EXPECT_EQ(code, "out_of_range");
      const Progress progress = Stands();
      EXPECT_EQ(progress.header, std::nullopt);
      EXPECT_EQ(progress.next, 0u);
      EXPECT_EQ(progress.sequence, sequence);
    }
  }
}

TEST_F(RefusalTest, PaddingThatSaysSomething) {
  const PayloadLayout layout = run.layout();
  SampleUpdate wrong = update;
  wrong.payload[layout.parts[1].offset_bytes - 1] = 1;
  SampleSender sender(run, 1, offer, wrong, {});
  host->Say(1, sender.begin());
  std::string code;
  for (uint64_t i = 0; i < sender.chunk_count() && code.empty(); ++i) {
    code = host->Code(1, sender.chunk(i));
  }
  EXPECT_EQ(code, "padding_not_zero");
  EXPECT_EQ(Stands().header, std::nullopt);
}

TEST_F(RefusalTest, MessagesThatAreNone) {
  EXPECT_NE(host->Code(1, {}), "");
  EXPECT_NE(host->Code(1, {.head = {0xff, 0x00}, .bulk = {}}), "");
  EXPECT_EQ(host->Code(1, Encode(Inspect{})), "message_unexpected");
  EXPECT_EQ(host->Code(1, Encode(CloseRound{})), "message_unexpected");
  EXPECT_EQ(host->Code(1, Encode(Base{})), "message_unexpected");
  // A head that is too long is refused before it is parsed.
  EXPECT_NE(host->Code(1, Encode(Begin{.header = Bytes(kMessageHeadBytesMax)})), "");
}

TEST_F(RefusalTest, EveryTruncationOfAMessageIsRefused) {
  const Message begin = BeginWith(Header());
  for (size_t size = 0; size < begin.head.size(); ++size) {
    Message cut = begin;
    cut.head.resize(size);
    EXPECT_NE(host->Code(1, cut), "") << size;
  }
  EXPECT_EQ(Stands().sequence, 0u);
}

TEST_F(RefusalTest, EvidenceThatCannotBeHad) {
  host->answer_evidence = false;
  EXPECT_EQ(host->SayOne(1, host->HelloOf(1)), "evidence_unavailable");
  host->answer_evidence = true;
  EXPECT_EQ(host->SayOne(1, host->HelloOf(1)), "offer");
}

TEST(LateTest, WhatComesAfterTheSetIsFinalIsRefused) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(0), run.MakeUpdate(1)};
  host.Upload(0, updates[0]);
  host.Upload(1, updates[1]);
  const Offer offer = host.GetOffer(2);
  SampleSender late(run, 2, offer, run.MakeUpdate(2), {});
  host.Say(2, late.begin());
  for (uint64_t i = 0; i + 1 < late.chunk_count(); ++i) host.Say(2, late.chunk(i));
  host.answer_base = false;  // publishing begins and waits
  host.Close();
  EXPECT_EQ(host.SayOne(2, late.chunk(late.chunk_count() - 1)), "round_closed");
  EXPECT_EQ(host.SayOne(2, late.begin()), "round_closed");
  EXPECT_EQ(host.SayOne(2, host.QueryOf(2)), "round_closed");
  EXPECT_EQ(host.SayOne(2, host.HelloOf(2)), "round_closed");
  EXPECT_EQ(host.SayOne(1, host.QueryOf(1)), "receipt");
  host.answer_base = true;
  host.Inspect();
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
  EXPECT_EQ(CheckRecordFile(*host.record_file)->record.updates, 2u);
}

}  // namespace
}  // namespace sealfold
