// Every way in which a partial sum can be wrong, refused by its name.
#include <gtest/gtest.h>

#include <functional>

#include "aggregator/core/cascade/testing_cascade.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using testing_cascade::Leaf;
using testing_cascade::Member;
using testing_cascade::Receive;
using testing_cascade::SampleRun;
using testing_cascade::SeedOf;
using testing_cascade::Send;
using testing_cascade::Sent;

class PartialRefusalTest : public ::testing::Test {
 protected:
  PartialRefusalTest() {
    leaf_.Upload(0, run_.MakeUpdate(0));
    leaf_.Upload(2, run_.MakeUpdate(2));
  }
  // The header that the leaf would sign.
  PartialHeader Header() const {
    return OpenPartialHeader(Send(leaf_, leaf_.folded(), root_).header)->header;
  }
  // What arrives when the leaf's program says something else: header, head and log as given.
  std::string CodeOf(const PartialHeader& header, uint64_t weight, absl::Span<const LogEntry> log,
                     Secret model_key = {}) {
    PartialSealer sealer =
        *PartialSealer::Make(run_.plan, header, root_.keys.hpke().public_key(),
                             {.weight = Weight(weight), .model_key = std::move(model_key)},
                             leaf_.keys.record_key(), SeedOf("partial"));
    return ErrorCode(PartialIntake::Make(root_.terms, root_.keys, leaf_.peer(),
                                         sealer.signed_header(), sealer.sealed_head(),
                                         EncodePartialLog(log))
                         .status());
  }
  std::string CodeOfHeader(const std::function<void(PartialHeader&)>& change) {
    PartialHeader header = Header();
    change(header);
    return CodeOf(header, leaf_.intake->weight_sum(), leaf_.intake->log());
  }
  // With the log changed, and the header as if that were right.
  std::string CodeOfLog(const std::function<void(std::vector<LogEntry>&)>& change) {
    std::vector<LogEntry> log = leaf_.intake->log();
    change(log);
    PartialHeader header = Header();
    header.log_root = LogRoot(log);
    header.updates = log.size();
    return CodeOf(header, leaf_.intake->weight_sum(), log);
  }
  // With these numbers as its sum.
  std::string CodeOfSum(const std::vector<int64_t>& sum) {
    const FoldedUpdates folded{.sum = sum,
                               .log = leaf_.intake->log(),
                               .weight_sum = leaf_.intake->weight_sum(),
                               .base_key = leaf_.intake->base_key()};
    return ErrorCode(Receive(root_, leaf_.peer(), Send(leaf_, folded, root_)).status());
  }
  std::vector<int64_t> RightSum() const {
    const absl::Span<const int64_t> sum = leaf_.intake->sum().span();
    return {sum.begin(), sum.end()};
  }

  SampleRun run_ = SampleRun::Make();
  Member root_{run_, 0};
  Leaf leaf_{run_, 1};
};

TEST_F(PartialRefusalTest, APeerOfOtherTermsIsNoPeer) {
  const std::vector<std::function<void(UnverifiedPeer&)>> kChanges = {
      [](UnverifiedPeer& p) { p.binding.protocol = 2; },
      [](UnverifiedPeer& p) { p.binding.suite = Suite::kX25519ChaCha20Poly1305; },
      [](UnverifiedPeer& p) { p.binding.plan = {}; },
      [](UnverifiedPeer& p) { p.binding.round = Round(2); },
      [](UnverifiedPeer& p) { p.binding.attempt = Attempt(2); },
      [](UnverifiedPeer& p) { p.binding.previous_record = Digest(); },
      [](UnverifiedPeer& p) { p.binding.base_model = {}; },
      [](UnverifiedPeer& p) { p.hpke_key = {}; }};
  EXPECT_TRUE(CheckPeer(root_.terms, root_.keys, leaf_.peer()).ok());
  const Sent sent = Send(leaf_, leaf_.folded(), root_);
  for (size_t i = 0; i < kChanges.size(); ++i) {
    UnverifiedPeer changed = leaf_.unverified();
    kChanges[i](changed);
    const VerifiedPeer peer = changed.AsIfVerified();
    EXPECT_EQ(ErrorCode(CheckPeer(root_.terms, root_.keys, peer)), "peer_differs") << i;
    EXPECT_EQ(ErrorCode(Receive(root_, peer, sent).status()), "peer_differs") << i;
    // A leaf seals to no such root either.
    UnverifiedPeer root = root_.unverified();
    kChanges[i](root);
    EXPECT_EQ(ErrorCode(PartialSource::Make(leaf_.terms, leaf_.keys, root.AsIfVerified(),
                                            leaf_.folded(), SeedOf("partial"))
                            .status()),
              "peer_differs")
        << i;
  }
  EXPECT_EQ(ErrorCode(CheckPeer(root_.terms, root_.keys, root_.peer())), "peer_is_self");
}

TEST_F(PartialRefusalTest, ALeafWithoutUpdatesHasNothingToSend) {
  const Leaf empty(run_, 2);
  EXPECT_EQ(ErrorCode(PartialSource::Make(empty.terms, empty.keys, root_.peer(), empty.folded(),
                                          SeedOf("partial"))
                          .status()),
            "partial_empty");
}

TEST_F(PartialRefusalTest, EveryFieldOfTheHeaderIsHeldToTheTerms) {
  EXPECT_EQ(CodeOfHeader([](PartialHeader&) {}), "");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.plan = {}; }), "wrong_plan");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.round = Round(2); }), "wrong_round");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.attempt = Attempt(2); }), "wrong_attempt");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.leaf = {}; }), "partial_leaf");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.sum_bytes += 8; }), "partial_sum_bytes");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.step *= 2; }), "partial_step");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.updates = 1; }), "partial_updates");
  EXPECT_EQ(CodeOfHeader([](PartialHeader& h) { h.log_root = {}; }), "partial_log_root");
}

TEST_F(PartialRefusalTest, WhatIsSealedToAnotherRootOrSignedByAnotherLeaf) {
  const Member other_root(run_, 7);
  const Sent to_other = Send(leaf_, leaf_.folded(), other_root);
  EXPECT_EQ(ErrorCode(Receive(root_, leaf_.peer(), to_other).status()), "wrong_recipient_key");
  Leaf other_leaf(run_, 8);
  other_leaf.Upload(1, run_.MakeUpdate(1));
  const Sent by_other = Send(other_leaf, other_leaf.folded(), root_);
  EXPECT_EQ(ErrorCode(Receive(root_, leaf_.peer(), by_other).status()), "partial_signer");
  // The head of one under the header of another.
  Sent mixed = Send(leaf_, leaf_.folded(), root_);
  mixed.head = by_other.head;
  EXPECT_EQ(ErrorCode(Receive(root_, leaf_.peer(), mixed).status()), "seal_broken");
  mixed.head.push_back(0);
  EXPECT_EQ(ErrorCode(Receive(root_, leaf_.peer(), mixed).status()), "head_length");
  mixed.log.push_back(0);
  EXPECT_FALSE(Receive(root_, leaf_.peer(), mixed).ok());
}

TEST_F(PartialRefusalTest, TheLogIsOfThisAttemptAndOfThePlansParticipantsOnceEach) {
  using Log = std::vector<LogEntry>;
  EXPECT_EQ(CodeOfLog([](Log&) {}), "");
  EXPECT_EQ(CodeOfLog([](Log& log) { log.clear(); }), "partial_updates");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].plan = {}; }), "record_log_plan");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].round = Round(2); }), "record_log_round");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].attempt = Attempt(2); }), "record_log_attempt");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].index = 0; }), "record_log_index");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].participant = log[0].participant; }),
            "record_log_participant");
  EXPECT_EQ(CodeOfLog([](Log& log) { log[1].participant = {}; }), "record_log_participant");
}

TEST_F(PartialRefusalTest, TheWeightIsOneToTheGreatestForEachUpdate) {
  const auto code_of = [&](uint64_t weight) {
    return CodeOf(Header(), weight, leaf_.intake->log());
  };
  EXPECT_EQ(code_of(2), "");
  EXPECT_EQ(code_of(1), "partial_weight");
  EXPECT_EQ(code_of(2 * run_.plan.weight_max.value()), "");
  EXPECT_EQ(code_of(2 * run_.plan.weight_max.value() + 1), "partial_weight");
  EXPECT_EQ(code_of(UINT64_MAX), "partial_weight");
  // A base stored in the clear has no key.
  EXPECT_EQ(CodeOf(Header(), 2, leaf_.intake->log(), SeedOf("model key")), "model_key_wrong");
}

TEST_F(PartialRefusalTest, NoNumberIsGreaterThanItsUpdatesCanMakeIt) {
  constexpr int64_t kBound = int64_t{2} << 47;
  const size_t last = RightSum().size() - 1;
  for (const size_t at : {size_t{0}, last}) {
    for (const int64_t most : {kBound, -kBound}) {
      std::vector<int64_t> sum = RightSum();
      sum[at] = most;
      EXPECT_EQ(CodeOfSum(sum), "");
      sum[at] += most > 0 ? 1 : -1;
      EXPECT_EQ(CodeOfSum(sum), "partial_out_of_range");
    }
    for (const int64_t most : {INT64_MAX, INT64_MIN}) {
      std::vector<int64_t> sum = RightSum();
      sum[at] = most;
      EXPECT_EQ(CodeOfSum(sum), "partial_out_of_range");
    }
  }
}

TEST_F(PartialRefusalTest, ChunksComeInOrderAsTheyWereSealedAndADamagedOneMayComeAgain) {
  const Sent sent = Send(leaf_, leaf_.folded(), root_);
  ASSERT_GT(sent.chunks.size(), 2u);
  PartialIntake partial =
      *PartialIntake::Make(root_.terms, root_.keys, leaf_.peer(), sent.header, sent.head, sent.log);
  EXPECT_EQ(ErrorCode(partial.TakeChunk(1, sent.chunks[1])), "chunk_out_of_order");
  EXPECT_EQ(ErrorCode(partial.TakeChunk(0, sent.chunks[1])), "seal_broken");
  for (size_t i = 0; i < sent.chunks.size(); ++i) {
    Bytes damaged = sent.chunks[i];
    damaged[i] ^= 0x80;
    EXPECT_EQ(ErrorCode(partial.TakeChunk(i, damaged)), "seal_broken");
    EXPECT_EQ(ErrorCode(partial.TakeChunk(i, ByteSpan(damaged).first(3))), "chunk_length");
    EXPECT_FALSE(partial.complete());
    EXPECT_TRUE(partial.TakeChunk(i, sent.chunks[i]).ok());
  }
  EXPECT_TRUE(partial.complete());
  EXPECT_EQ(partial.sum(), leaf_.folded().sum);
  // One that was refused for its numbers never becomes complete.
  std::vector<int64_t> sum = RightSum();
  sum[0] = INT64_MAX;
  FoldedUpdates folded = leaf_.folded();
  const Sent wrong = Send(
      leaf_,
      {.sum = sum, .log = folded.log, .weight_sum = folded.weight_sum, .base_key = folded.base_key},
      root_);
  PartialIntake refused = *PartialIntake::Make(root_.terms, root_.keys, leaf_.peer(), wrong.header,
                                               wrong.head, wrong.log);
  EXPECT_EQ(ErrorCode(refused.TakeChunk(0, wrong.chunks[0])), "partial_out_of_range");
  EXPECT_EQ(ErrorCode(refused.TakeChunk(0, wrong.chunks[0])), "chunk_out_of_order");
}

TEST_F(PartialRefusalTest, AParticipantInTwoLeavesCountsInNeitherTwice) {
  Leaf second(run_, 2);
  second.Upload(1, run_.MakeUpdate(1));
  second.Upload(2, run_.MakeUpdate(2));
  RootSum sum = *RootSum::Make(root_.terms);
  ASSERT_TRUE(sum.Add(*Receive(root_, leaf_.peer(), Send(leaf_, leaf_.folded(), root_))).ok());
  const std::vector<int64_t> before = RightSum();
  EXPECT_EQ(
      ErrorCode(sum.Add(*Receive(root_, second.peer(), Send(second, second.folded(), root_)))),
      "partial_participant_doubled");
  // The same leaf again.
  EXPECT_EQ(ErrorCode(sum.Add(*Receive(root_, leaf_.peer(), Send(leaf_, leaf_.folded(), root_)))),
            "partial_participant_doubled");
  EXPECT_EQ(sum.sum(), absl::MakeConstSpan(before));
  EXPECT_EQ(sum.log().size(), 2u);
  EXPECT_EQ(sum.weight_sum(), leaf_.intake->weight_sum());
}

}  // namespace
}  // namespace sealfold
