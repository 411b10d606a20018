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

// A round whose aggregator could not open its state leaves none of its own.
TEST_F(StateFilesTest, TheNewestStateStaysAndGoesWithEveryStartUntilThereIsANewer) {
  Begin();
  f_.Tell(KeepState{.round = 0}, Bytes{7});
  f_.Publish(1, 1);
  ASSERT_EQ(f_.sent().size(), 2u);
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{7});
  f_.Publish(2, 1);
  ASSERT_EQ(f_.sent().size(), 2u);
  EXPECT_EQ(*cbor::PeekType(f_.sent()[0].head), "have-state");
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{7});
  EXPECT_EQ(f_.sent_start().round, Round(3));
  EXPECT_TRUE(folder_.Has("state-0.cbor"));
  f_.RestartHost();
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{7});
  // What was opened is kept as the state of the round before, and goes first.
  f_.Tell(KeepState{.round = 2}, Bytes{8});
  EXPECT_FALSE(folder_.Has("state-0.cbor"));
  f_.Tell(KeepState{.round = 3}, Bytes{9});
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{8});
}

// Of files with other names nothing is read, and nothing taken away.
TEST_F(StateFilesTest, OnlyItsOwnFilesAreStates) {
  const std::vector<std::string> others = {"state-01.cbor", "state--1.cbor", "state-1.cbor.old",
                                           "old-state-1.cbor", "state-x.cbor"};
  for (const std::string& name : others) folder_.Write(name, Bytes{1});
  Begin();  // with "start" alone
  f_.Tell(KeepState{.round = 0}, Bytes{2});
  f_.Publish(1, 1);
  f_.Publish(2, 1);
  f_.Tell(KeepState{.round = 3}, Bytes{3});
  EXPECT_FALSE(folder_.Has("state-0.cbor"));
  for (const std::string& name : others) EXPECT_TRUE(folder_.Has(name)) << name;
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

TEST_F(IdentityFromTest, GoesWithEveryStartUntilTheRunHasAStateOfItsOwn) {
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
  // A round that went without it changes nothing.
  f_.Publish(1, 2);
  ASSERT_EQ(f_.sent().size(), 2u);
  EXPECT_EQ(f_.sent_start().round, Round(2));
  EXPECT_EQ(AsText(f_.sent()[0].bulk), folder_.Read("elsewhere"));
  f_.Tell(KeepState{.round = 1}, Bytes{1});
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{1});
  f_.Publish(2, 2);
  ASSERT_EQ(f_.sent().size(), 2u);
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), Bytes{1});
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

TEST_F(IdentityFromTest, ARunThatHasAnIdentityKeepsIt) {
  const std::string from = StateBefore();
  EXPECT_EQ(Keep(from), "");
  Begin({"have-state", "start"});
  f_.Publish(1, 1);
  f_.Tell(KeepState{.round = 1}, Bytes{1});
  EXPECT_EQ(Keep(from), "");  // said again, as at a restart
  std::filesystem::remove(folder_.Path("state-before.cbor"));
  EXPECT_EQ(Keep(from), "identity_from_late");
  EXPECT_FALSE(folder_.Has("state-before.cbor"));
}

// Rounds may have gone without one.
TEST_F(IdentityFromTest, ARunWithoutAnIdentityTakesOneAtAnyTime) {
  Begin();
  f_.Publish(1, 1);
  EXPECT_EQ(Keep(StateBefore()), "");
  f_.RestartHost();
  f_.Connect();
  ASSERT_EQ(f_.TellNone(), (Types{"have-state", "start"}));
  EXPECT_EQ(AsText(f_.sent()[0].bulk), folder_.Read("elsewhere"));
}

TEST_F(IdentityFromTest, AKeptOneThatCannotBeReadIsNotNone) {
  Begin();
  f_.Tell(KeepState{.round = 0}, Bytes{1});
  std::filesystem::create_directory(folder_.Path("state-before.cbor"));
  EXPECT_EQ(Keep(StateBefore()), "file_unusable");
}

// What a host can tell of a release: its type.
struct ReleaseHead {
  static constexpr const char* kType = kReleaseFileType;
  template <class V>
  void Fields(V&) {}
};

TEST_F(StateFilesTest, AReleaseGoesWithEveryStart) {
  const Bytes release = cbor::EncodeFields(ReleaseHead{});
  folder_.Write("given", release);
  EXPECT_TRUE(KeepReleaseFile(f_.store(), folder_.Path("given")).ok());
  std::filesystem::remove(folder_.Path("given"));
  Begin({"have-release", "start"});
  EXPECT_EQ(ToBytes(f_.sent()[0].bulk), release);
}

TEST_F(StateFilesTest, OtherFilesAreNoReleases) {
  const auto keep = [&](const std::string& name) {
    return ErrorCode(KeepReleaseFile(f_.store(), folder_.Path(name)));
  };
  EXPECT_EQ(keep("none"), "file_unusable");
  EXPECT_EQ(keep("plan.cose"), "release_unfit");
  folder_.Write("other", cbor::EncodeFields(SealedStateHead{}));
  EXPECT_EQ(keep("other"), "release_unfit");
  folder_.Write("empty", {});
  EXPECT_EQ(keep("empty"), "release_unfit");
  folder_.Write("large", Bytes(kOfferedReleaseBytesMax + 1));
  EXPECT_EQ(keep("large"), "file_too_large");
  EXPECT_FALSE(folder_.Has("release.cbor"));
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
