// What the programs say while a run is under way: the live table, and updates that must not leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/model/safetensors.h"
#include "protocol/program/program.h"
#include "tests/cli/run.h"
#include "tests/e2e/known_update.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;

TEST(LiveRunTest, WatchRedrawsItsTableOnATerminal) {
  KnownStudy study({.rounds = 1, .elements = 2000});
  study.Start();
  study.Join(0);
  study.Join(1);
  bool all_joined = false;
  const std::string out = OnTerminal(
      absl::StrCat("sealfold-coordinator watch --state ", study.federation().Path("coordinator")),
      [&](const std::string& so_far) {
        if (all_joined || !absl::StrContains(so_far, "2/3 updates")) return;
        all_joined = true;
        study.Join(2);
      });
  study.Finish();
  EXPECT_THAT(out, HasSubstr("\x1b[2K"));
  EXPECT_THAT(out,
              HasSubstr("\x1b[4A"));  // back over the line of the run and three of participants
  EXPECT_THAT(out, HasSubstr("█"));
  EXPECT_THAT(out, HasSubstr("committed"));
  EXPECT_THAT(out, HasSubstr("1/1 rounds published"));
}

class SubmitTest : public ::testing::Test {
 protected:
  SubmitTest() : study_({.rounds = 1, .elements = kElements}) { study_.Start(); }
  std::string Path(const std::string& below) { return study_.federation().Path(below); }
  std::vector<std::string> Submit() {
    return {"sealfold-participant",
            "submit",
            "--connect",
            study_.federation().endpoint(),
            "--policy",
            Path("policy.json"),
            "--key",
            Path("alpha/key"),
            "--state",
            Path("alpha/state"),
            "--update",
            Path("update")};
  }
  // Participant 0's right update, its elements as `change` leaves them, under `tensors`.
  void WriteUpdate(const std::function<void(std::vector<float>&)>& change,
                   const std::vector<TensorSpec>& tensors = {}) {
    std::vector<float> elements(kElements);
    for (size_t i = 0; i < kElements; ++i) elements[i] = KnownElement(0, 1, i);
    change(elements);
    const Bytes head = SafetensorsHeaderBytes(tensors.empty() ? PlanTensors() : tensors,
                                              {{"num_examples", absl::StrCat(KnownWeight(0))}});
    std::string file(AsText(head));
    file.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(float));
    ASSERT_TRUE(WriteFileAtomic(Path("update"), file).ok());
  }
  std::vector<TensorSpec> PlanTensors() {
    const std::string model = *ReadFile(Path("initial.safetensors"), 1 << 24);
    const SafetensorsHeader header = *SafetensorsHeader::Parse(AsBytes(model), model.size());
    std::vector<TensorSpec> tensors;
    for (const SafetensorsHeader::Entry& entry : header.entries) tensors.push_back(entry.spec);
    return tensors;
  }

  static constexpr size_t kElements = 2000;
  KnownStudy study_;
};

TEST_F(SubmitTest, ACorruptUpdateStaysAtHomeAndLosesNothing) {
  ExpectFails(Submit(), kExitBadInput, "file_unreadable");
  ASSERT_TRUE(WriteFileAtomic(Path("update"), std::string(3000, 'x')).ok());
  ExpectFails(Submit(), kExitBadInput, "safetensors_header_too_long");
  WriteUpdate([](std::vector<float>& x) { x.pop_back(); });
  ExpectFails(Submit(), kExitBadInput, "safetensors_size");
  WriteUpdate([](std::vector<float>& x) { x[1234] = std::nanf(""); });
  EXPECT_THAT(std::string(ExpectFails(Submit(), kExitBadInput, "update_not_finite")["what"]),
              HasSubstr("element 1234"));
  WriteUpdate([](std::vector<float>& x) { x[7] = 2 * kKnownRange; });
  ExpectFails(Submit(), kExitBadInput, "update_out_of_range");
  std::vector<TensorSpec> renamed = PlanTensors();
  renamed[0].name = "another";
  WriteUpdate([](std::vector<float>&) {}, renamed);
  ExpectFails(Submit(), kExitBadInput, "update_tensor_missing");
  WriteUpdate([](std::vector<float>&) {});
  std::vector<std::string> heavy = Submit();
  heavy.insert(heavy.end(), {"--weight", "536870912"});
  ExpectFails(heavy, kExitBadInput, "update_weight_range");

  RunJson(Submit());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) study_.Join(i);
  study_.Finish();
  study_.ExpectRightModels();
}

}  // namespace
}  // namespace sealfold
