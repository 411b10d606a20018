#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/host/command/watch.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RunView View() {
  RunView view;
  view.name = "study";
  view.rounds = 10;
  view.quorum = 3;
  view.chunks_total = 8;
  view.run.phase = RunPhase::kRound;
  view.run.round = 2;
  view.run.attempt = 1;
  view.run.updates = 1;
  view.run.detail = "taking updates";
  view.participants = {{"north", 8, true}, {"northwest", 4, false}, {"s", 0, false}};
  view.participants_total = 3;
  return view;
}

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + what.size())) {
    ++count;
  }
  return count;
}

TEST(ViewText, ALineSaysWhereTheRunIs) {
  RunView view = View();
  EXPECT_EQ(ViewLine(view), "study: round 2/10, 1/3 updates, taking updates");
  view.run.attempt = 2;
  EXPECT_THAT(ViewLine(view), HasSubstr("attempt 2"));
  view.run.phase = RunPhase::kDone;
  view.run.records = 10;
  view.run.detail = "all rounds are published";
  EXPECT_EQ(ViewLine(view), "study: 10/10 rounds published, all rounds are published");
  EXPECT_EQ(ViewTable(view).size(), 1u);
}

// Watched from elsewhere, it is a host's.
TEST(ViewText, TheDetailSteersNoTerminal) {
  RunView view = View();
  view.run.detail = "taking\x1b[2J\nupdates";
  EXPECT_THAT(ViewLine(view), HasSubstr(", taking?[2J updates"));
}

TEST(ViewText, ATableHasABarForEachParticipant) {
  const std::vector<std::string> table = ViewTable(View());
  ASSERT_EQ(table.size(), 4u);
  EXPECT_THAT(table[1], HasSubstr("committed"));
  EXPECT_EQ(Count(table[1], "█"), 24u);
  EXPECT_THAT(table[2], HasSubstr("50 %"));
  EXPECT_EQ(Count(table[2], "█"), 12u);
  EXPECT_EQ(Count(table[2], "░"), 12u);
  EXPECT_EQ(Count(table[3], "█"), 0u);
  EXPECT_EQ(table[1].find("█"), table[2].find("█")) << "bars stand below one another";
}

TEST(ViewText, ALongTableIsCut) {
  RunView view = View();
  view.participants.resize(1000);
  view.participants_total = 5000;
  const std::vector<std::string> table = ViewTable(view);
  EXPECT_EQ(table.size(), 22u);
  EXPECT_THAT(table.back(), HasSubstr("4980 more"));
}

TEST(ViewText, JsonIsOneLineWithEverything) {
  RunView view = View();
  view.run.detail = "two\nlines";
  const std::string text = ViewJson(view);
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  const nlohmann::json json = nlohmann::json::parse(text);
  EXPECT_EQ(json["phase"], "round");
  EXPECT_EQ(json["round"], 2);
  EXPECT_EQ(json["participants"][1]["chunks"], 4);
  EXPECT_EQ(json["participants"][0]["committed"], true);
}

}  // namespace
}  // namespace sealfold
