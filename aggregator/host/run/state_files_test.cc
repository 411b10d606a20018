#include "aggregator/host/run/state_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "aggregator/host/testing/federation.h"
#include "protocol/base/error.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

using testing::RunTest;
using testing::Types;

class StateFilesTest : public RunTest {};

TEST_F(StateFilesTest, AStateGoesBackWithTheNextStart) {
  Begin();
  const Bytes state = {1, 2, 3};
  EXPECT_TRUE(f_.Tell(KeepState{.round = 1}, state).empty());
  EXPECT_TRUE(folder_.Has("state-1.cbor"));
  f_.Publish(1, 1);
  ASSERT_EQ(f_.sent().size(), 2u);
  EXPECT_EQ(*cbor::PeekType(f_.sent()[0].head), "have-state");
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), state);
  EXPECT_EQ(*cbor::PeekType(f_.sent()[1].head), "start");
  // An aggregator that comes anew gets it too.
  f_.Connect();
  EXPECT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
}

TEST_F(StateFilesTest, OnlyWhatCanBeOfUseIsKept) {
  Begin();
  f_.Tell(KeepState{.round = 2}, Bytes{1});
  f_.Tell(KeepState{.round = 1}, Bytes(kSealedStateBytesMax + 1));
  EXPECT_FALSE(folder_.Has("state-1.cbor"));
  EXPECT_FALSE(folder_.Has("state-2.cbor"));
  f_.Tell(KeepState{.round = 0}, Bytes{1});
  f_.Tell(KeepState{.round = 1}, Bytes{2});
  EXPECT_TRUE(folder_.Has("state-0.cbor"));  // until the record of round 1 is here
  f_.Publish(1, 1);
  f_.Tell(KeepState{.round = 2}, Bytes{3});
  EXPECT_FALSE(folder_.Has("state-0.cbor"));
  EXPECT_TRUE(folder_.Has("state-1.cbor"));
}

// Without it the aggregator would begin anew.
TEST_F(StateFilesTest, AStateThatCannotBeReadIsNotNone) {
  Begin();
  std::filesystem::create_directory(folder_.Path("state-1.cbor"));
  f_.Publish(1, 1);
  EXPECT_TRUE(f_.sent().empty());
  EXPECT_EQ(ErrorCode(f_.run().broken()), "file_unusable");
}

// What a host can tell of a state: its type.
struct SealedStateHead {
  static constexpr const char* kType = kSealedStateType;
  template <class V>
  void Fields(V&) {}
};

class IdentityFromTest : public StateFilesTest {
 protected:
  // A file as an aggregator of another run could have left it.
  std::string StateBefore() {
    folder_.Write("elsewhere", cbor::EncodeFields(SealedStateHead{}));
    return folder_.Path("elsewhere");
  }
  std::string Keep(const std::string& from) {
    return ErrorCode(KeepIdentityFrom(f_.store(), from));
  }
};

TEST_F(IdentityFromTest, GoesWithTheFirstRoundUntilTheRunHasAStateOfItsOwn) {
  const std::string from = StateBefore();
  EXPECT_EQ(Keep(from), "");
  f_.Launch();
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(AsText(f_.sent()[0].bulk), folder_.Read("elsewhere"));
  // Kept, for the host's next start too, and until the aggregator has given its own.
  f_.RestartHost();
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(AsText(f_.sent()[0].bulk), folder_.Read("elsewhere"));
  f_.Tell(KeepState{.round = 0}, Bytes{1});
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{1});
  // A round later the one of an earlier run is of no use, whatever became of the run's own.
  f_.Publish(1, 3);
  ASSERT_EQ(f_.sent().size(), 1u);
  EXPECT_EQ(f_.sent_start().round, Round(2));
}

TEST_F(IdentityFromTest, OtherFilesAreRefused) {
  EXPECT_EQ(Keep(folder_.Path("none")), "file_unusable");
  EXPECT_EQ(Keep(folder_.Path("plan.cose")), "identity_from_unfit");
  folder_.Write("other", cbor::EncodeFields(HaveState{}));
  EXPECT_EQ(Keep(folder_.Path("other")), "identity_from_unfit");
  folder_.Write("large", Bytes(kSealedStateBytesMax + 1));
  EXPECT_EQ(Keep(folder_.Path("large")), "file_too_large");
  EXPECT_FALSE(folder_.Has("state-before.cbor"));
}

TEST_F(IdentityFromTest, ARunThatWasBegunWithoutItStaysSo) {
  Begin();
  f_.Tell(KeepState{.round = 0}, Bytes{1});
  const std::string from = StateBefore();
  EXPECT_EQ(Keep(from), "identity_from_late");
  EXPECT_FALSE(folder_.Has("state-before.cbor"));
  std::filesystem::remove(folder_.Path("state-0.cbor"));
  EXPECT_EQ(Keep(from), "");
  f_.Publish(1, 1);
  // The same file said again, as at a restart, and another.
  EXPECT_EQ(Keep(from), "");
  std::filesystem::remove(folder_.Path("state-before.cbor"));
  EXPECT_EQ(Keep(from), "identity_from_late");
}

TEST_F(StateFilesTest, WhyAStateStaysClosedIsNoted) {
  Begin();
  std::vector<std::string> notes;
  f_.After([&](RunOutput& out) {
    f_.run().OnAggregatorMessage(
        ToMessage(StateClosed{.code = "key_refused", .reason = "registers"}), 0, out);
    notes = out.notes;
  });
  EXPECT_THAT(notes, ::testing::Contains(::testing::HasSubstr("registers [key_refused]")));
}

}  // namespace
}  // namespace sealfold
